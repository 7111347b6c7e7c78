"""The shuffle buffers of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.model import Fit, Operation

# A buffer of this many batches mixes well. A smaller one is never suggested, and only larger ones count as large.
LEAST_BATCHES = 10


def large_shuffles(fit: Fit) -> Iterator[tuple[Operation, int]]:
    """Each shuffle whose buffer could be smaller, with the number of elements in it."""
    for step in user_chain(fit):
        size = step.arguments.get("buffer_size", step.arguments.get("0"))
        if step.name != "shuffle" or not isinstance(size, int):
            continue
        holds = min(size, step.cardinality) if step.cardinality is not None and step.cardinality > 0 else size
        if holds > _least(fit, step):
            yield step, holds


def smaller_buffer(fit: Fit, step: Operation, holds: int) -> int:
    """The size of a smaller buffer: a tenth, but enough to mix."""
    return max(holds // 10, _least(fit, step))


def buffer_bytes(step: Operation, holds: int) -> int | None:
    """Bytes in the buffer, if the shape of an element is known."""
    return None if step.element_bytes is None else step.element_bytes * holds


def _least(fit: Fit, step: Operation) -> int:
    batched = any(
        other.name in ("batch", "padded_batch") for other in user_chain(fit) if other.position < step.position
    )
    return LEAST_BATCHES * (1 if batched else fit.batch_size or DEFAULT_BATCH_SIZE)
