"""The stages of a diagnosis."""

from __future__ import annotations

import pytest

from fitdoctor.recording.model import Stage
from fitdoctor.trials.timeline import FIRST_ANSWER, Stages, seconds_of


def test_neighbours_of_the_same_name_are_merged() -> None:
    found: list[Stage] = []
    stages = Stages(found, began_s=100.0)
    stages.add("windows", 110.0, 1.0)
    stages.add("windows", 112.0, 2.0)
    stages.add("prepare", 115.0, 0.5)
    assert found == [Stage(name="windows", began_s=10.0, seconds=3.0), Stage(name="prepare", began_s=15.0, seconds=0.5)]


def test_a_stage_that_fails_is_counted() -> None:
    found: list[Stage] = []
    with pytest.raises(ValueError, match="broken"), Stages(found, began_s=0.0).within("scout"):
        raise ValueError("broken")
    assert [stage.name for stage in found] == ["scout"]


def test_sums_and_the_moment_of_the_first_answer() -> None:
    stages = [
        Stage(name="scout", began_s=0.0, seconds=12.0),
        Stage(name=FIRST_ANSWER, began_s=12.5, seconds=0.0),
        Stage(name="windows", began_s=20.0, seconds=3.0),
        Stage(name="windows", began_s=30.0, seconds=4.0),
    ]
    assert seconds_of(stages) == {"scout": 12.0, FIRST_ANSWER: 12.5, "windows": 7.0}
