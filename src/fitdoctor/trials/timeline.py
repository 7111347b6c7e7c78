"""The account of where the seconds of a diagnosis go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from fitdoctor.recording.model import Stage

# The stage that marks the moment of the first answer. It takes no time.
FIRST_ANSWER = "first answer"


class Stages:
    """Adds stages to a recording. Neighbours of the same name are merged.

    Args:
        record: Gets the stages.
        began_s: `time.monotonic()` when the diagnosis began.

    Example:
        >>> stages = Stages(run.stages, began_s=time.monotonic())
        >>> with stages.within("scout"):
        ...     scout()
    """

    def __init__(self, record: list[Stage], *, began_s: float) -> None:
        self._record, self._began_s = record, began_s

    def add(self, name: str, began_s: float, seconds: float) -> None:
        """Adds a stage that took `seconds` from `began_s` on, by `time.monotonic()`."""
        last = self._record[-1] if self._record else None
        if last is not None and last.name == name:
            self._record[-1] = Stage(name=name, began_s=last.began_s, seconds=last.seconds + seconds)
        else:
            self._record.append(Stage(name=name, began_s=began_s - self._began_s, seconds=seconds))

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Adds a block as a stage."""
        began_s = time.monotonic()
        try:
            yield
        finally:
            self.add(name, began_s, time.monotonic() - began_s)


def seconds_of(stages: list[Stage]) -> dict[str, float]:
    """The seconds of each stage, summed; of the first answer, its moment."""
    found: dict[str, float] = {}
    for stage in stages:
        found[stage.name] = found.get(stage.name, 0.0) + (
            stage.began_s if stage.name == FIRST_ANSWER else stage.seconds
        )
    return found
