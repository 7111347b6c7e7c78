"""The smallest records: a place in the user's code, and how long something takes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place in the user's code: the innermost frame that is theirs."""

    # The path of the source file.
    file: str
    # The first line of the statement, counted from 1.
    line: int
    # The function that holds the line.
    function: str = "<module>"
    # The text of the line.
    code: str = ""
    # The line of each keyword that the call is given. A finding points at `run_eagerly=True` itself with it.
    arguments: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Duration:
    """How often something happened, and how long it took."""

    # How often it happened.
    count: int = 0
    # Seconds of all of them together.
    total_s: float = 0.0
    # Seconds of the first one.
    first_s: float = 0.0
    # Seconds of each later one, in order. Where there are many, the means of 2, 4, 8 … neighbours.
    samples_s: list[float] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class HotLine:
    """A line of the user's that samples of the stack found running."""

    # The part of the training: "input", the name of a hook, "first step", or "step" (Python within a step that is not
    # compiled).
    where: str
    # The line.
    site: Site
    # Its share of the time of that part.
    share: float
