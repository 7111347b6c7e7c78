"""The stages of a fit's `tf.data` pipeline that the user's code creates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fitdoctor.recording.model import Fit, Operation

# Stages that run code for each element. A prefetch after them overlaps their work with training.
COSTLY = frozenset(
    {"map", "flat_map", "interleave", "filter", "from_generator", "scan", "group_by_window", "batch", "padded_batch"}
)
# Stages that do not look into elements: a map returns the same before and after them.
TRANSPARENT = frozenset({"shuffle", "repeat", "prefetch", "take", "skip", "with_options", "apply_options", "shard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MapsBeforeBatch:
    """Maps that run once a sample, and the `batch` after which they could run once a batch."""

    maps: tuple[Operation, ...]
    batch: Operation


def user_chain(fit: Fit) -> list[Operation]:
    """The stages that the user's own code creates, from the source to the end."""
    return sorted((step for step in fit.operations if not step.by_keras), key=lambda step: step.position)


def python_operations(fit: Fit) -> list[Operation]:
    """Stages of the user's that call Python for each element."""
    return [step for step in user_chain(fit) if step.python]


def lacks_prefetch(fit: Fit) -> bool:
    """Whether nothing overlaps the last costly stage with training."""
    chain = user_chain(fit)
    last_costly = max((at for at, step in enumerate(chain) if step.name in COSTLY), default=0)
    return bool(chain) and not any(step.name == "prefetch" for step in chain[last_costly:])


def maps_before_batch(fit: Fit) -> Iterator[MapsBeforeBatch]:
    """The maps before each `batch`, with only opaque stages between them."""
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
