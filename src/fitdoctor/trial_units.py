"""The units of trials: what the windows of an arm repeat.

Everything may import this module, the user's process included: standard library only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

# How the samples of a unit are judged: window by window, process by process, or run by run of a race.
DecisionRule = Literal["windows", "processes", "races"]


class Unit(StrEnum):
    """What a trial repeats. Its value is the text that recordings and reports hold.

    Attributes:
        label: The unit in a table.
        words: The unit in a sentence.
        rule: How its samples are judged.
        shares_error: Whether its arms share the chance of a wrong decision with the other arms of a rehearsal.

    Example:
        >>> Unit.EPOCH_END == "epoch_end", Unit.EPOCH_END.label
        (True, 'epoch end')
    """

    label: str
    words: str
    rule: DecisionRule
    shares_error: bool

    def __new__(
        cls, value: str, label: str, words: str, rule: DecisionRule = "windows", shares_error: bool = True
    ) -> Unit:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label, member.words, member.rule, member.shares_error = label, words, rule, shares_error
        return member

    STEP = "step", "step", "the step"
    EPOCH = "epoch", "epoch", "the epoch"
    EPOCH_END = "epoch_end", "epoch end", "the end of an epoch"
    VALIDATION = "validation", "validation pass", "the validation pass"
    CALL = "call", "call", "the calls"
    # Steps without a pause: they confirm the best arm of a step.
    STRETCH = "stretch", "longer run", "the longer run", "windows", False
    # An epoch with all that the prescription treats, in a process of its own.
    WHOLE = "whole", "whole epoch", "an epoch with all of it", "windows", False
    # Steps of a whole process, whose environment the arm changes.
    PROCESS = "process", "step in several processes", "the whole process", "processes"
    # A training up to the same score.
    RACE = "race", "race", "the way to the same validation loss", "races", False


_BY_VALUE = {unit.value: unit for unit in Unit}


def label_of(unit: str) -> str:
    """The label of a unit; an unknown unit stays as it is."""
    return _BY_VALUE[unit].label if unit in _BY_VALUE else unit


def words_of(unit: str) -> str:
    """The words of a unit; an unknown unit stays as it is."""
    return _BY_VALUE[unit].words if unit in _BY_VALUE else unit


def rule_of(unit: str) -> DecisionRule:
    """How samples of a unit are judged; those of an unknown unit as windows are."""
    return _BY_VALUE[unit].rule if unit in _BY_VALUE else "windows"


def shares_error(unit: str) -> bool:
    """Whether arms of a unit share the chance of a wrong decision with others; those of an unknown unit do."""
    return _BY_VALUE[unit].shares_error if unit in _BY_VALUE else True
