"""What a remedy is: one module that turns a finding into changes, said as data.

A remedy module holds `TITLE`, `TREATS`, `SAFETY`, `UNIT` and `propose`. Its id is its file name and its seam its
folder:

Example:
    >>> TITLE = "compiled step"
    >>> TREATS = ("eager-execution",)
    >>> SAFETY = "numerics"
    >>> UNIT = "step"
    >>> def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fitdoctor.changes.model import Change
from fitdoctor.facts.finding import Finding
from fitdoctor.report.model import Safety

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

__all__ = ["Finding", "Proposal", "Remedy", "Safety", "Unit"]

Unit = Literal["step", "epoch", "epoch_end", "validation", "call", "race", "process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One way to carry a remedy out.

    `label` tells the proposals of one remedy apart ("32", "vectorized"). `how` is one line of what to write in the
    source. `unit` and `safety` override the remedy's own. A proposal that no trial can take says why in `untried`;
    where its effect on the unit is plain arithmetic on a measured cost, `unit_ratio` holds it, so that the report can
    still project what it would save.
    """

    changes: tuple[Change, ...]
    how: str
    label: str = ""
    unit: Unit | None = None
    safety: Safety | None = None
    untried: str = ""
    unit_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A discovered remedy. `safety` is declared as an upper bound; every trial verifies it."""

    id: str
    seam: str
    title: str
    page: str
    treats: tuple[str, ...]
    safety: Safety
    unit: Unit
    propose: Callable[[Finding, Facts], Iterator[Proposal]]
