"""What a cause is: one module, its page in the docstring, its check a pure function from facts to findings.

A cause module holds `TITLE`, `REMEDIES`, its thresholds, and `check`, and `SYMPTOM_OF` where it may only show what another
causes. Its id is its file name and its family its folder:

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
from fitdoctor.facts.places import location
from fitdoctor.report.model import Evidence, Interval, Location

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

__all__ = ["PAGE_SECTIONS", "Cause", "Evidence", "Finding", "Interval", "Location", "location"]

#: The sections of every page, in this order, after its first line.
PAGE_SECTIONS = (
    "What it is",
    "Why it is slow",
    "How it is told",
    "Example",
    "Use instead",
    "Safety",
    "Further reading",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A discovered cause. `page` is Markdown; `remedies` are the ids that its module names, the best first.

    `symptom_of` are causes that come before it in a report where they are found in the same fit: it may be no more than
    where they show.
    """

    id: str
    family: str
    title: str
    page: str
    remedies: tuple[str, ...]
    check: Callable[[Facts], Iterator[Finding]]
    symptom_of: tuple[str, ...] = ()
