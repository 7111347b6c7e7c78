"""Where in a pipeline a cache helps: after the last costly work that is the same in each pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, Operation

# Sources that return the same elements in the same order in each pass. For a generator, a trial checks it.
SOURCES = frozenset(
    {
        "from_tensors",
        "from_tensor_slices",
        "from_generator",
        "range",
        "TFRecordDataset",
        "TextLineDataset",
        "FixedLengthRecordDataset",
        "zip",
    }
)
# Stages that return the same elements in each pass if their input does.
REPEATABLE = frozenset(
    {"map", "filter", "batch", "padded_batch", "ragged_batch", "take", "skip", "shard", "flat_map", "interleave",
     "enumerate", "unbatch", "rebatch", "prefetch", "with_options", "cache", "concatenate", "unique", "scan",
     "bucket_by_sequence_length"}
)  # fmt: skip
# Stages whose work for each element a cache would save.
WORK = frozenset(
    {"map", "filter", "flat_map", "interleave", "from_generator", "TFRecordDataset", "scan", "padded_batch"}
)
# Stages that a shuffle may be moved behind: they return one element for each, in the same order.
ONE_TO_ONE = frozenset({"map", "prefetch", "with_options"})
# Stages that do no work, so a cache goes before them.
IDLE = frozenset({"prefetch", "with_options"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePoint:
    """A place for a cache."""

    # The stage that the cache goes behind.
    behind: Operation
    # The stages whose work it saves.
    work: tuple[Operation, ...]
    # The shuffle that has to move behind the cache, if there is one.
    shuffle: Operation | None = None


def is_repeatable(step: Operation) -> bool:
    """Whether the stage returns the same elements for the same input, as far as its graph shows."""
    if step.stateful:
        return False
    if step.name == "list_files":
        return step.arguments.get("shuffle", step.arguments.get("1")) is False
    in_order = step.arguments.get("deterministic") is not False
    return in_order and (step.name in REPEATABLE or step.name in SOURCES)


def cache_point(fit: Fit) -> CachePoint | None:
    """The best place for a cache, or None if it could keep no repeated work.

    Work before a cache of the user's own is already paid only once.
    """
    chain = user_chain(fit)
    kept: list[Operation] = []
    shuffle: Operation | None = None
    for at, step in enumerate(chain):
        if step.name == "shuffle" and shuffle is None and kept:
            if not any(other.name in WORK for other in chain[at + 1 :]):
                break
            shuffle = step
        elif is_repeatable(step) and (shuffle is None or step.name in ONE_TO_ONE):
            kept.append(step)
        else:
            break
    cached = max((at for at, step in enumerate(kept) if step.name == "cache"), default=-1)
    work = tuple(step for step in kept[cached + 1 :] if step.name in WORK)
    if not work:
        return None
    moved = shuffle is not None and work[-1].position > shuffle.position
    while kept[-1].name in IDLE:
        kept.pop()
    rest = {step.name for step in chain if step.position > kept[-1].position}
    # Another cache already holds the work. Or a stage stops before the end of the data, so a cache would never fill.
    if rest & {"cache", "take", "take_while"} or kept[-1].cardinality == -1:
        return None
    return CachePoint(behind=kept[-1], work=work, shuffle=shuffle if moved else None)


def fills_a_shuffle(fit: Fit, point: CachePoint) -> bool:
    """Whether the cached elements would go straight into a shuffle, so that filling its buffer repeats the work.

    Elements of a Python generator may differ from pass to pass, so they do not count.
    """
    behind = [step for step in user_chain(fit) if step.position > point.behind.position and step.name not in IDLE]
    certain = all(step.name != "from_generator" for step in user_chain(fit))
    return certain and point.shuffle is None and bool(behind) and behind[0].name == "shuffle"


def only_work_before_shuffle(fit: Fit, stages: Sequence[Operation]) -> bool:
    """Whether only these stages do work before a shuffle."""
    chain = user_chain(fit)
    shuffle = next((at for at, step in enumerate(chain) if step.name == "shuffle"), 0)
    work = [step for step in chain[:shuffle] if step.name in WORK]
    return bool(work) and all(step in stages for step in work)
