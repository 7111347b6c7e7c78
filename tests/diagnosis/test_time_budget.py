"""The time budget of a diagnosis."""

from __future__ import annotations

import pytest

from fitdoctor.diagnosis.time_budget import TimeBudget
from fitdoctor.recording.model import Rehearsal
from tests.support import builders as make


@pytest.mark.parametrize(
    ("before", "expected"),
    [((), 7.0), ((5.0, 9.0), 9.0), ((0.0,), 7.0), ((0.0, 6.0), 6.0)],
)
def test_a_start_up_is_expected_to_take_as_long_as_the_slowest_before(
    before: tuple[float, ...], expected: float
) -> None:
    run = make.run(make.fit(), start=4.0, imports=3.0)
    run.rehearsals = [Rehearsal(target="fit", index=0, startup_s=startup_s) for startup_s in before]
    assert TimeBudget(run, race_budget_s=60.0, began_s=0.0).startup_s() == pytest.approx(expected)
