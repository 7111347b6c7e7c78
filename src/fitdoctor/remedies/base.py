"""The parts of a remedy: a module that turns a finding into changes, as data.

A remedy module holds `TITLE`, `TREATS`, `SAFETY`, `UNIT` and `propose`. Its id is its file name. Its folder, the seam,
names what it changes.

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

# A callback, a save or a validation pass that runs this seldom still follows a training, and saves four fifths of its
# cost.
EPOCHS_APART = 5
# The same for hooks of batches.
BATCHES_APART = 50

__all__ = ["BATCHES_APART", "EPOCHS_APART", "Finding", "Proposal", "Remedy", "Safety", "Unit"]

Unit = Literal["step", "epoch", "epoch_end", "validation", "call", "race", "process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One way to apply a remedy."""

    # The changes, as data. Empty if no trial can apply them.
    changes: tuple[Change, ...]
    # One line: what to write in the source.
    how: str
    # The difference between the proposals of one remedy: "32", "vectorized".
    label: str = ""
    # The unit of its trial, if it is not the remedy's own.
    unit: Unit | None = None
    # Its safety, if it is not the remedy's own.
    safety: Safety | None = None
    # A sentence: why no trial runs it. Empty if one does.
    untried: str = ""
    # How much faster the unit becomes, if this follows from measured costs without a trial.
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
