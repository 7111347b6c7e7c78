"""Stages of a pipeline that work on one element at a time."""

from __future__ import annotations

from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.recording.model import Fit, Operation

# The position of `num_parallel_calls` among the arguments of each stage.
PARALLEL_CALLS = {"map": "1", "interleave": "3"}


def serial_stages(fit: Fit) -> list[Operation]:
    """The user's maps without `num_parallel_calls`.

    Maps before a cache work in the first epoch only and do not count.
    """
    chain = user_chain(fit)
    cached = max((at for at, step in enumerate(chain) if step.name == "cache"), default=-1)
    return [
        step
        for step in chain[cached + 1 :]
        if step.name in PARALLEL_CALLS and _calls(step) is None and step.site is not None
    ]


def _calls(step: Operation) -> object:
    return step.arguments.get("num_parallel_calls", step.arguments.get(PARALLEL_CALLS[step.name]))
