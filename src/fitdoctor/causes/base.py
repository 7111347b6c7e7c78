"""The parts of a cause: a module whose docstring is its page and whose check is a pure function.

A cause module holds `TITLE`, `REMEDIES`, its thresholds, and `check`, which turns facts into findings. If it may be
only a symptom of other causes, `SYMPTOM_OF` names them. Its id is its file name, and its family is its folder.

Example:
    >>> TITLE = "The model runs eagerly"
    >>> REMEDIES = ("compiled-step",)
    >>> def check(facts: Facts) -> Iterator[Finding]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fitdoctor.facts.finding import Finding
from fitdoctor.facts.locations import location
from fitdoctor.report.model import Evidence, Interval, Location

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

__all__ = ["PAGE_SECTIONS", "Cause", "Evidence", "Finding", "Interval", "Location", "location"]

# The sections of every page, in this order, after its first line.
PAGE_SECTIONS = (
    "What it is",
    "Why it is slow",
    "How it is detected",
    "Example",
    "Use instead",
    "Safety",
    "Further reading",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A discovered cause."""

    # Its id: the name of its module with hyphens.
    id: str
    # Its family: the folder of its module.
    family: str
    # One line on what is wrong.
    title: str
    # Its page, in Markdown.
    page: str
    # The ids of its remedies, the best first.
    remedies: tuple[str, ...]
    # The function that finds it.
    check: Callable[[Facts], Iterator[Finding]]
    # Causes that may be the reason for this one. In a report they come first if they are found in the same fit.
    symptom_of: tuple[str, ...] = ()
