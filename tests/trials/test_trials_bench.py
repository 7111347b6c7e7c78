"""The replay of the decision rule, on windows of identical arms and on windows whose truth is known."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from bench.trials import tables
from bench.trials.children import fit_line, kinds
from bench.trials.replay import Series, Sitting, Stretch, decide, disjoint_decisions, random_stretches
from fitdoctor.trials.statistics import DECISION_ROUNDS

# Recorded on a busy machine: 2 sittings of a generator's steps.
RECORDED = Series.from_data(json.loads((Path(__file__).parent / "identical_arms.json").read_text(encoding="utf-8")))


def alike(*, noise: float = 0.01, rounds: int = 60, arms: int = 6, wall_s: float = 0.6, seed: int = 0) -> Series:
    draw = random.Random(seed)
    windows = [(wall_s, [(0.02 * math.exp(draw.gauss(0, noise)), 10, 0.0) for _ in range(arms)]) for _ in range(rounds)]
    return Series("alike", False, [Sitting(windows)])


def test_a_series_survives_the_file() -> None:
    again = Series.from_data(json.loads(json.dumps(RECORDED.to_data())))
    assert again == RECORDED


def test_identical_arms_are_never_measured() -> None:
    series = alike()
    for stretch in random_stretches(series, 40, 3, 60, 0):
        (decision,) = decide(stretch, trial_s=60)
        assert decision.verdict == "refuted"
        assert decision.rounds in DECISION_ROUNDS


def test_a_slowdown_put_in_is_measured_and_held_by_the_interval() -> None:
    (decision,) = decide(Stretch(alike().sittings[0], 0, (0, 1, 2)), trial_s=60, slowdown=0.2)
    assert decision.verdict == "measured"
    assert decision.mid == pytest.approx(1.2, rel=0.02)
    assert decision.covers(1.2)
    assert not decision.covers(1.5)


def test_each_remedy_of_a_stretch_is_decided() -> None:
    assert len(decide(Stretch(alike().sittings[0], 0, (5, 1, 2, 0)), trial_s=60)) == 2


def test_a_trial_ends_with_its_time_on_the_recordings_clock() -> None:
    (decision,) = decide(Stretch(alike(wall_s=4.0).sittings[0], 0, (0, 1, 2)), trial_s=6.0, slowdown=0.5)
    assert decision.rounds < DECISION_ROUNDS[0]
    assert decision.trial_s >= 6.0
    assert decision.trial_s <= 6.0 + 3 * 4.0 * 1.5


def test_the_seconds_of_a_round_are_shared_among_its_arms() -> None:
    (decision,) = decide(Stretch(alike(wall_s=0.6).sittings[0], 0, (0, 1, 2)), trial_s=60)
    assert decision.trial_s == pytest.approx(decision.rounds * 0.6 * 3 / 6)


def test_stretches_begin_only_where_enough_was_recorded() -> None:
    assert {stretch.first for stretch in random_stretches(alike(rounds=DECISION_ROUNDS[-1] + 1), 50, 3, 60, 0)} == {
        0,
        1,
    }
    assert random_stretches(alike(rounds=DECISION_ROUNDS[-1] - 1), 50, 3, 60, 0) == []
    slow = random_stretches(alike(rounds=10, wall_s=10.0), 50, 3, 30.0, 0)
    assert {stretch.first for stretch in slow} == set(range(5))


def test_labels_are_permuted_and_never_given_twice() -> None:
    roles = {stretch.roles for stretch in random_stretches(alike(), 100, 3, 60, 0)}
    assert len(roles) > 50
    assert all(len(set(each)) == 3 for each in roles)


def test_disjoint_trials_share_no_window() -> None:
    (decisions,) = disjoint_decisions(alike(), trial_s=60)
    assert all(decision.rounds == DECISION_ROUNDS[0] for decision in decisions)
    assert len(decisions) == 2 * ((60 - DECISION_ROUNDS[-1]) // DECISION_ROUNDS[0] + 1)


def test_the_tables_of_what_was_recorded() -> None:
    placebo = tables.placebo_table([RECORDED], splits=10, trial_s=60)
    assert f"| {RECORDED.kind} | – |" in placebo
    assert "effective number of samples" in placebo
    power = tables.power_table([RECORDED], splits=10, trial_s=30, slowdowns=[0.05, 9.0])
    assert "| 900% | 10 | 100.0% |" in power
    assert RECORDED.kind in tables.noise_table([RECORDED])
    assert RECORDED.kind in tables.power_by_kind([RECORDED], splits=5, trial_s=30, slowdowns=[0.5])


def test_rates_have_exact_intervals() -> None:
    assert tables.disjoint_text(0, 300) == "0 of 300 [0.00%, 1.22%]"
    assert tables.interval(0, 0) == "–"


def test_the_drift_of_processes() -> None:
    table = tables.drift_table({"same": [0.1, 0.1, 0.1], "other": [0.1, 0.2, 0.4]})
    assert "| same | 3 | 100 ms | 0.0% | 0.0% | 0.0% |" in table
    assert "| other | 3 | 200 ms | 100.0% | 300.0% | 100.0% |" in table


@pytest.mark.parametrize("kind", kinds())
def test_each_kind_calls_fit_with_the_delay_first(kind: str) -> None:
    script = kinds()[kind]
    line = script.read_text(encoding="utf-8").splitlines()[fit_line(script) - 1]
    assert "model.fit(" in line
    assert "callbacks=callbacks()" in line or "callbacks=[*callbacks()," in line
