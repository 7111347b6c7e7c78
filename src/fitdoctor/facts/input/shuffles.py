"""The shuffle buffers of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, Operation

#: A buffer of this many batches mixes well; a smaller one is never proposed, and one that is not larger is not large.
LEAST_BATCHES = 10


def large_shuffles(fit: Fit) -> Iterator[tuple[Operation, int]]:
    """Each shuffle whose buffer could be smaller, with the elements that it really holds."""
    for step in user_chain(fit):
        size = step.arguments.get("buffer_size", step.arguments.get("0"))
        if step.name != "shuffle" or not isinstance(size, int):
            continue
        holds = min(size, step.cardinality) if step.cardinality is not None and step.cardinality > 0 else size
        if holds > _least(fit, step):
            yield step, holds


def smaller_buffer(fit: Fit, step: Operation, holds: int) -> int:
    """A tenth of what a buffer holds, but enough to mix."""
    return max(holds // 10, _least(fit, step))


def buffer_bytes(step: Operation, holds: int) -> int | None:
    """Bytes in the buffer, where the shape of an element is known."""
    return None if step.element_bytes is None else step.element_bytes * holds


def _least(fit: Fit, step: Operation) -> int:
    batched = any(
        other.name in ("batch", "padded_batch") for other in user_chain(fit) if other.position < step.position
    )
    return LEAST_BATCHES * (1 if batched else fit.batch_size or 32)
