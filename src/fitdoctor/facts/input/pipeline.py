"""The chain of `tf.data` operations of a fit, as far as the user wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fitdoctor.recording.model import Fit, Operation

#: Operations that run code for each element: what stands behind them has to be overlapped with training to be hidden.
COSTLY = frozenset(
    {"map", "flat_map", "interleave", "filter", "from_generator", "scan", "group_by_window", "batch", "padded_batch"}
)
#: Operations that treat elements as opaque: a map of single elements gives the same ones before and after them.
TRANSPARENT = frozenset({"shuffle", "repeat", "prefetch", "take", "skip", "with_options", "apply_options", "shard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MapsBeforeBatch:
    """Maps that run once a sample, and the `batch` behind which they could run once a batch."""

    maps: tuple[Operation, ...]
    batch: Operation


def user_chain(fit: Fit) -> list[Operation]:
    """The operations that the user's own code called, from the source to the end."""
    return sorted((step for step in fit.operations if not step.by_keras), key=lambda step: step.position)


def python_operations(fit: Fit) -> list[Operation]:
    """Operations of the user's that call back into Python for each element."""
    return [step for step in user_chain(fit) if step.python]


def lacks_prefetch(fit: Fit) -> bool:
    """Whether nothing overlaps the last costly operation with training."""
    chain = user_chain(fit)
    last_costly = max((at for at, step in enumerate(chain) if step.name in COSTLY), default=0)
    return bool(chain) and not any(step.name == "prefetch" for step in chain[last_costly:])


def maps_before_batch(fit: Fit) -> Iterator[MapsBeforeBatch]:
    """The maps directly before each `batch`, with nothing between them that would see the difference."""
    chain = user_chain(fit)
    for at, step in enumerate(chain):
        if step.name != "batch":
            continue
        maps: list[Operation] = []
        for before in reversed(chain[:at]):
            if before.name == "map" and not before.python:
                maps.append(before)
            elif before.name not in TRANSPARENT:
                break
        if maps:
            yield MapsBeforeBatch(maps=tuple(reversed(maps)), batch=step)
