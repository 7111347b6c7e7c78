from __future__ import annotations

import pytest

from fitdoctor.causes.host.fit_in_a_loop import check
from fitdoctor.facts.budget import make_budget
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Duration
from tests.support import builders as make


def one_batch(**changed: object) -> Facts:
    """400 fits of one row each: 30 ms of set-up, 20 ms of step, 5 ms to end."""
    values = {
        "calls": 400,
        "epochs": 1,
        "steps": 1,
        "seen": 0,
        "one_batch_calls": 400,
        "rows": 1,
        "models": 1,
        "data_objects": 400,
        "setup": make.took(0.03, 40),
        "first_step": make.took(0.02, 40, first_s=0.8),
        "epoch_boundary": make.took(0.001, 40),
        "teardown": make.took(0.005, 40),
    }
    return make.facts(make.fit(**{**values, **changed}))  # type: ignore[arg-type]


def epoch_by_epoch(**changed: object) -> Facts:
    """Fifty fits of one epoch of 100 steps on the same arrays."""
    values = {
        "calls": 50,
        "epochs": 1,
        "models": 1,
        "data_objects": 1,
        "step_s": 0.002,
        "first_step": make.took(0.05, 50, first_s=1.0),
    }
    return make.facts(make.fit(**{**values, **changed}))  # type: ignore[arg-type]


def bad() -> Facts:
    return one_batch()


def good() -> Facts:
    return epoch_by_epoch(step_s=0.1, first_step=make.took(0.15, 50, first_s=1.0))


def test_its_cost_is_the_time_around_the_step() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.low == pytest.approx(399 * 0.036)
    assert finding.cost_s.high == pytest.approx(399 * 0.056)
    assert finding.locations[0].line == 18
    assert "400 times on 1 row" in finding.evidence[0].text


def test_computing_is_no_cost_of_the_call() -> None:
    facts = one_batch(device=make.took(0.015, 40))
    (finding,) = check(facts)
    assert finding.cost_s.low == finding.cost_s.high == pytest.approx(399 * (0.036 + 0.005))
    parts = {part.id: part.s for part in make_budget(facts).parts}
    assert parts["device"] == pytest.approx(400 * 0.015)
    assert sum(parts.values()) == pytest.approx(facts.total_s)


def test_the_start_of_the_input_is_separate_from_ordinary_steps() -> None:
    (finding,) = check(epoch_by_epoch())
    assert finding.cost_s.mid == pytest.approx(49 * (0.2 + 0.05 + 0.048))


def test_tracing_again_is_another_cause() -> None:
    (finding,) = check(epoch_by_epoch(first_step=make.took(1.0, 50)))
    assert finding.cost_s.mid == pytest.approx(49 * 0.25)


def few(**changed: object) -> Facts:
    """Six fits of one epoch on the same arrays, in a short training."""
    values = {
        "calls": 6,
        "setup": make.took(0.2, 6),
        "first_step": make.took(0.05, 6, first_s=1.0),
        "teardown": make.took(0.1, 6),
    }
    return epoch_by_epoch(**{**values, **changed})


def test_a_few_fits_count_if_one_fit_can_replace_them() -> None:
    (finding,) = check(few())
    assert few().share_of(finding.cost_s.mid) >= 0.05
    assert "called 6 times" in finding.evidence[0].text


@pytest.mark.parametrize("changed", [{"calls": 2}, {"models": 6}, {"data_objects": 6}, {"setup": make.took(0.001, 6)}])
def test_a_few_other_fits_are_no_loop(changed: dict[str, object]) -> None:
    assert list(check(few(**changed))) == []


@pytest.mark.parametrize(
    "changed",
    [{"calls": 5, "models": 5}, {"setup": Duration(), "teardown": Duration(), "first_step": make.took(0.002, 50)}],
)
def test_other_fits_are_not_reported(changed: dict[str, object]) -> None:
    assert list(check(epoch_by_epoch(**changed))) == []
