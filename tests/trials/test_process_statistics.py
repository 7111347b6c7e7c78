"""Verdicts on pairs of processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fitdoctor.recording.model import Arm, ProcessRun, Rehearsal, Window
from fitdoctor.trials.outcomes import Outcome, outcomes_of
from fitdoctor.trials.process_statistics import compare_weights, per_process


def process(arm: str, pair: int, step_s: float) -> list[Window]:
    """Three stretches of one process, of which one was disturbed."""
    return [
        Window(arm=f"process/{arm}", round=pair, order=0, seconds=step_s * 100 * slow, units=100)
        for slow in (1.0, 1.01, 3.0)
    ]


def outcome(plain: Sequence[float], changed: Sequence[float]) -> Outcome:
    arms = [
        Arm(id="process/baseline", role="baseline", unit="process"),
        Arm(id="process/threads", role="remedy", unit="process"),
    ]
    record = Rehearsal(arms=arms)
    for pair, (before_s, after_s) in enumerate(zip(plain, changed, strict=True)):
        record.windows += process("baseline", pair, before_s) + process("threads", pair, after_s)
    return outcomes_of(record)[0]


def test_a_process_is_one_sample() -> None:
    (window,) = per_process(process("baseline", 0, 0.02))
    assert (window.round, window.seconds, window.units) == (0, pytest.approx(0.0202), 1)


@pytest.mark.parametrize(
    ("plain", "changed", "verdict"),
    [
        ((0.020, 0.021, 0.0205), (0.010, 0.0104, 0.0102), "measured"),
        ((0.020, 0.021, 0.0205), (0.020, 0.0212, 0.0203), "refuted"),
        ((0.020, 0.023, 0.018), (0.018, 0.019, 0.0179), "inconclusive"),
        ((0.020, 0.020), (0.010, 0.010), "inconclusive"),
        ((0.057, 0.080, 0.077), (0.045, 0.083, 0.090), "inconclusive"),
        ((0.020, 0.020), (0.030, 0.031), "refuted"),
    ],
)
def test_verdicts_on_pairs_of_processes(plain: Sequence[float], changed: Sequence[float], verdict: str) -> None:
    assert outcome(plain, changed).verdict == verdict


def test_the_interval_is_over_pairs() -> None:
    found = outcome((0.020, 0.021, 0.0205), (0.010, 0.0104, 0.0102))
    assert found.comparison.n == 3
    assert found.why.endswith("over 3 pairs of processes, above 1.05×.")


def run(start: str = "a", end: str = "b", shadows: Sequence[float] = (1.0, -2.0), **weights: Any) -> ProcessRun:
    described = {"start": start, "end": end, "shadows": list(shadows), "lengths": [1.5, 2.0], **weights}
    return ProcessRun(arm="", pair=0, weights=described)


@pytest.mark.parametrize(
    ("plain", "changed", "said"),
    [
        ([run(), run()], [run()], "same"),
        ([run(), run()], [run(end="c", shadows=(1.0001, -2.0))], "close"),
        ([run(), run()], [run(end="c", shadows=(1.5, -2.0))], "different"),
        ([run(), run(start="z", end="y")], [run()], ""),
        ([run(), run(end="y")], [run()], ""),
        ([run(), run()], [run(start="z")], ""),
        ([run()], [], ""),
        ([ProcessRun(arm="", pair=0)], [run()], ""),
    ],
)
def test_the_weights_of_two_environments_are_compared(
    plain: list[ProcessRun], changed: list[ProcessRun], said: str
) -> None:
    state, why = compare_weights(plain, changed)
    assert state == said
    assert bool(why) == (said == "")
