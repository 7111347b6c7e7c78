"""What is left of a diagnosis' seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitdoctor.diagnosis.time_budget import Budget
from fitdoctor.recording.model import Rehearsal
from tests import builders as make


@pytest.mark.parametrize(
    ("before", "expected"),
    [((), 7.0), ((5.0, 9.0), 9.0), ((0.0,), 7.0), ((0.0, 6.0), 6.0)],
)
def test_a_start_up_takes_as_long_as_those_before_that_came_to_their_unit(
    tmp_path: Path, before: tuple[float, ...], expected: float
) -> None:
    run = make.run(make.fit(), start=4.0, imports=3.0)
    run.rehearsals = [Rehearsal(target="fit", index=0, startup_s=startup_s) for startup_s in before]
    assert Budget(make.request(tmp_path), run, began_s=0.0).startup_s() == pytest.approx(expected)
