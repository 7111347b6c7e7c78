"""Races are judged correctly on known curves."""

from __future__ import annotations

import random
from math import exp, inf, log

import pytest

from fitdoctor.recording.model import Arm, Lap, Race, RaceRun, Rehearsal
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.race_outcome import (
    DECISION_RACES,
    RaceOutcome,
    best,
    judge,
    levels,
    next_lap,
    outcome_of_race,
    settled_step_s,
    steps_to,
)
from fitdoctor.trials.statistics import Comparison

BASELINE = Arm(id="race/baseline", role="baseline", unit="race")
RACER = Arm(id="race/scaled", role="remedy", unit="race", remedy="scaled", cause="unscaled-inputs", safety="semantics")


def laps(*scores: float | None, every: int = 10, step_s: float = 0.001) -> list[Lap]:
    return [
        Lap(steps=at * every, score=score, seconds=every * step_s if at else 0.0) for at, score in enumerate(scores)
    ]


def curve(
    speed: float, *, steps: int = 2000, noise: float = 0.0, dice: random.Random | None = None, step_s: float = 0.001
) -> list[Lap]:
    """A loss that falls from 2 to 1. At speed 1 it falls by half of that within 500 steps."""
    dice = dice or random.Random(0)
    found, at, before = [], 0, 0
    while at < steps:
        score = 1 + exp(-log(2) * at * speed / 500)
        found.append(Lap(steps=at, score=score * exp(dice.gauss(0, noise)), seconds=(at - before) * step_s))
        before, at = at, at + next_lap(at, 10, 1)
    return found


def raced(*pairs: tuple[list[Lap], list[Lap]], **changed: object) -> Rehearsal:
    runs = []
    for number, (theirs, ours) in enumerate(pairs):
        runs.append(RaceRun(arm=BASELINE.id, repetition=number, laps=theirs, finished=True))
        runs.append(RaceRun(arm=RACER.id, repetition=number, laps=ours, finished=True))
    race = Race(judged_on="validation data", training_steps=4000, batch_size=32, runs=runs)
    for name, value in changed.items():
        setattr(race, name, value)
    return Rehearsal(arms=[BASELINE, RACER], race=race)


def test_single_outliers_do_not_change_a_level() -> None:
    assert levels(laps(9, 5, 1, 5, 5)) == [9, 5, 5, 5, 5]
    assert best(laps(9, 5, 1, 5, 5)) == 5
    assert levels(laps(9, None, 3, 2, 1))[1] == 9


def test_the_last_score_counts_only_where_the_one_before_confirms_it() -> None:
    assert levels(laps(9, 8, 2))[-1] == 8


def test_steps_to_a_target_are_interpolated_between_laps() -> None:
    assert steps_to(laps(10, 8, 6, 4, 2, 2), 5) == pytest.approx(25)
    assert steps_to(laps(10, 8, 6), 5) is None


def test_a_good_start_does_not_reach_the_target() -> None:
    assert steps_to(laps(1.0, 1.0, 1.0, 1.0), 30) is None
    assert steps_to(laps(1.0, 0.97, 0.93, 0.8, 0.8), 30) == pytest.approx(15)


def test_a_target_within_the_first_lap_takes_all_of_the_lap() -> None:
    assert steps_to(laps(9.0, 0.5, 0.5, 0.5), 8.0) == steps_to(laps(9.0, 0.5, 0.5, 0.5), 0.6) == pytest.approx(10)


def test_a_known_ratio_is_measured() -> None:
    result = outcome_of_race(raced(*[(curve(1), curve(4))] * 3), RACER)
    assert result is not None
    assert (result.reached, result.comparison.n) == (3, 3)
    assert result.comparison.mid == pytest.approx(4, rel=0.15)
    assert result.covered == pytest.approx(0.48, abs=0.05)


def test_the_cost_of_a_step_counts() -> None:
    result = outcome_of_race(raced(*[(curve(1), curve(4, step_s=0.002))] * 3), RACER)
    assert result is not None
    assert result.comparison.mid == pytest.approx(2, rel=0.15)


def test_one_slow_lap_does_not_decide() -> None:
    ours = curve(4)
    ours[5] = Lap(steps=ours[5].steps, score=ours[5].score, seconds=30.0)
    result = outcome_of_race(raced((curve(1), ours), (curve(1), curve(4)), (curve(1), curve(4))), RACER)
    assert result is not None
    assert result.comparison.mid == pytest.approx(4, rel=0.15)


def test_a_racer_that_never_reaches_the_target_does_not_win() -> None:
    result = outcome_of_race(raced(*[(curve(1), curve(0.1))] * 3), RACER)
    assert result is not None
    assert result.reached == 0
    assert judge(result, 1)[0] == "refuted"


def test_a_racer_that_learns_beats_a_baseline_that_does_not() -> None:
    nothing = laps(*[None] * 40)
    result = outcome_of_race(raced(*[(nothing, curve(4))] * 3), RACER)
    assert result is not None
    assert result.target == inf
    assert result.reached == 3
    assert judge(result, 1)[0] == "measured"


def test_a_racer_with_a_better_level_beats_a_stuck_baseline_from_a_worse_start() -> None:
    stuck = laps(300, *[2.30] * 60)
    further = laps(2.9, *[2.9 - 0.05 * at for at in range(1, 40)])
    result = outcome_of_race(raced(*[(stuck, further)] * 3), RACER)
    assert result is not None
    assert result.beyond
    assert result.target == pytest.approx(2.07)
    assert result.comparison.mid == pytest.approx(600 / 166, rel=0.05)
    assert judge(result, 1)[0] == "measured"


def test_a_racer_that_is_stuck_like_the_baseline_does_not_win() -> None:
    stuck = laps(300, *[2.30] * 60)
    result = outcome_of_race(raced(*[(stuck, laps(250, *[2.29] * 60))] * 3), RACER)
    assert result is not None
    assert not result.beyond
    assert judge(result, 1)[0] != "measured"


def test_two_runs_that_learn_nothing_are_equal() -> None:
    flat = laps(*[1.0] * 30)
    result = outcome_of_race(raced(*[(flat, flat)] * 3), RACER)
    assert result is not None
    assert judge(result, 1)[0] == "refuted"


def test_unfinished_runs_and_heats_do_not_count() -> None:
    rehearsal = raced(*[(curve(1), curve(4))] * 3, counted_from=1)
    assert rehearsal.race is not None
    rehearsal.race.runs[-1].finished = False
    result = outcome_of_race(rehearsal, RACER)
    assert result is not None
    assert result.comparison.n == 1
    assert judge(result, 1)[0] == "inconclusive"


def test_larger_batches_give_more_samples_a_second() -> None:
    racer = Arm(id=RACER.id, role="remedy", unit="race", changes=[{"argument": "batch_size", "value": 128}])
    result = outcome_of_race(raced(*[(curve(1), curve(4, step_s=0.002))] * 3), racer)
    assert result is not None
    assert result.throughput == pytest.approx(2)


@pytest.mark.parametrize(("speed", "verdict"), [(4.0, "measured"), (1.0, "refuted"), (0.5, "refuted")])
def test_verdicts_on_noisy_curves(speed: float, verdict: str) -> None:
    dice = random.Random(7)
    pairs = [(curve(1, noise=0.02, dice=dice), curve(speed, noise=0.02, dice=dice)) for _ in range(6)]
    (outcome,) = outcomes_of(raced(*pairs))
    assert outcome.verdict == verdict
    assert outcome.finish is not None


def test_identical_racers_are_rarely_judged_as_different() -> None:
    """Equal racers win about as often as the confidence allows, which two decisions share."""
    dice, wins = random.Random(3), 0
    for _ in range(200):
        pairs = [
            (
                curve(exp(dice.gauss(0, 0.3)), noise=0.05, dice=dice),
                curve(exp(dice.gauss(0, 0.3)), noise=0.05, dice=dice),
            )
            for _ in range(6)
        ]
        for races in DECISION_RACES:
            result = outcome_of_race(raced(*pairs[:races]), RACER)
            assert result is not None
            if judge(result, 1)[0] == "measured":
                wins += 1
                break
    assert wins <= 10


def test_the_cost_of_a_step_leaves_out_the_first_lap_of_each_run() -> None:
    run = RaceRun(
        arm="a",
        repetition=0,
        laps=[Lap(steps=0, score=1), Lap(steps=10, score=1, seconds=9), Lap(steps=20, score=1, seconds=1)],
    )
    assert settled_step_s(Race(runs=[run]), "a") == pytest.approx(0.1)


def stopped(*scores: float) -> RaceRun:
    return RaceRun(arm="", repetition=0, laps=laps(*scores), finished=True, stopped=True)


def ruled(theirs: RaceRun, ours: RaceRun) -> Rehearsal:
    rehearsal = raced(*[(theirs.laps, ours.laps)] * 3, rule="EarlyStopping")
    assert rehearsal.race is not None
    for run in rehearsal.race.runs:
        run.stopped = True
    return rehearsal


PATIENT = stopped(2.0, *[2.0 - 0.05 * at for at in range(1, 20)], 1.06, 1.07, 1.08)


def test_times_to_the_stopping_rule_count_where_both_stop_at_the_same_level() -> None:
    result = outcome_of_race(ruled(PATIENT, stopped(2.0, 1.5, 1.2, 1.05, 1.05, 1.06, 1.07)), RACER)
    assert result is not None
    assert (result.by_rule, result.reached, result.covered) == (True, 3, 1.0)
    assert result.comparison.mid == pytest.approx(220 / 60)
    assert judge(result, 1)[0] == "measured"


def test_an_earlier_stop_at_a_worse_level_does_not_reach_the_target() -> None:
    result = outcome_of_race(ruled(PATIENT, stopped(2.0, 1.5, 1.4, 1.4, 1.41, 1.42)), RACER)
    assert result is not None
    assert (result.by_rule, result.reached) == (False, 0)
    assert result.comparison.mid == pytest.approx(1.0)
    assert judge(result, 1)[0] == "refuted"


def test_runs_that_a_rule_stops_at_its_goal_reach_the_same_goal() -> None:
    result = outcome_of_race(ruled(stopped(0.9, 0.5, 0.3, 0.2, 0.15, 0.091), stopped(0.9, 0.099)), RACER)
    assert result is not None
    assert result.by_rule
    assert result.comparison.mid == pytest.approx(5)


def test_the_reached_share_has_exact_bounds() -> None:
    result = outcome_of_race(raced(*[(curve(1), curve(4))] * 3), RACER)
    assert result is not None
    assert result.reached_share == pytest.approx((0.025 ** (1 / 3), 1.0), rel=1e-6)


@pytest.mark.parametrize(("reached", "n"), [(0, 0), (0, 5), (1, 1), (2, 3), (7, 9), (30, 30)])
def test_the_share_that_is_reached_has_exact_bounds(reached: int, n: int) -> None:
    from scipy.stats import binomtest

    comparison = Comparison(arm="race/scaled", rounds=(0.0,) * n, ratio=None, mean_log=0.0, sd_log=0.0, n=n)
    known = {
        "target": 1.0,
        "beyond": False,
        "what": "loss",
        "covered": 1.0,
        "throughput": 1.0,
        "level": 1.0,
        "baseline_level": 1.0,
    }
    found = RaceOutcome(comparison=comparison, reached=reached, **known).reached_share  # type: ignore[arg-type]
    exact = binomtest(reached, n).proportion_ci(0.95, method="exact") if n else (0.0, 1.0)
    assert found == pytest.approx(tuple(exact))
