"""Stages of a pipeline whose order costs time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fitdoctor.facts.input.caching import IDLE, ONE_TO_ONE
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A stage at the wrong place."""

    # The stage.
    stage: Operation
    # The stage that it should directly follow.
    behind: Operation
    # The work that the move saves or delays.
    work: Operation
    # Where it costs time: in each step, or at the start of an epoch.
    unit: Literal["step", "epoch"]
    # The share of the input's work that is wasted.
    wasted: float = 0.0


def misplaced(fit: Fit) -> Iterator[Misplaced]:
    """The stages that cost time at their place and can be moved without changing the elements."""
    chain = user_chain(fit)
    for at, stage in enumerate(chain):
        if stage.name in ("shard", "skip", "shuffle"):
            yield from _behind_work(chain, at)
        elif stage.name == "repeat" and stage.cardinality == -1:
            yield from _before_cache(chain, at)


def _behind_work(chain: list[Operation], at: int) -> Iterator[Misplaced]:
    """A stage that drops or holds elements, directly after maps that work on all of them."""
    first = at
    while first > 0 and chain[first - 1].name in ONE_TO_ONE and not chain[first - 1].stateful:
        first -= 1
    maps = [step for step in chain[first:at] if step.name not in IDLE]
    stage = chain[at]
    if not maps or first == 0:
        return
    if stage.name != "shard":
        yield Misplaced(stage=stage, behind=chain[first - 1], work=maps[0], unit="epoch")
        return
    shards = stage.arguments.get("num_shards", stage.arguments.get("0"))
    if isinstance(shards, int) and shards > 1:
        yield Misplaced(stage=stage, behind=chain[first - 1], work=maps[0], unit="step", wasted=1 - 1 / shards)


def _before_cache(chain: list[Operation], at: int) -> Iterator[Misplaced]:
    """An endless repeat before a cache. The cache never fills, so the work before it never ends."""
    cache = next((other for other in range(at + 1, len(chain)) if chain[other].name == "cache"), None)
    if cache is None or any(step.name not in ONE_TO_ONE or step.stateful for step in chain[at + 1 : cache]):
        return
    work = [
        step for step in chain[:cache] if step.name in ("map", "interleave", "flat_map", "filter", "from_generator")
    ]
    if work:
        yield Misplaced(stage=chain[at], behind=chain[cache], work=work[0], unit="step", wasted=1.0)
