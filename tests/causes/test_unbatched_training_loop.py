from __future__ import annotations

import pytest

from fitdoctor.causes.host.unbatched_training_loop import check
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.measured_ratios import MeasuredRatios
from fitdoctor.recording.model import CallSiteRecord
from tests.support import builders as make


def loop(*, gathered: float | None = None, **changed: object) -> Facts:
    values = {
        "kind": "train_on_batch",
        "site": make.site(30, "model.train_on_batch(x, y)"),
        "calls": 4000,
        "rows": 1,
        "batch_size": 32,
    }
    record = CallSiteRecord(**{**values, "run": make.took(0.002, 400, first_s=0.4), **changed})  # type: ignore[arg-type]
    measured = MeasuredRatios() if gathered is None else MeasuredRatios(gathered={0: make.around(gathered)})
    return Facts(make.run(loops=[record]), measured)


def bad() -> Facts:
    return loop(gathered=20.0)


def good() -> Facts:
    return loop(rows=32)


def test_its_cost_is_what_a_trial_measured() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.mid == pytest.approx(4000 * 0.002 * 0.95)
    assert finding.loop == 0
    assert finding.evidence[1].text == "In batches of 32 a row takes 20.0× less."


def test_before_a_trial_the_cost_may_be_zero() -> None:
    (finding,) = check(loop())
    assert not finding.measured
    assert finding.cost_s.low == 0


@pytest.mark.parametrize("changed", [{"gathered": 1.0}, {"calls": 50}, {"rows": None}, {"kind": "predict"}])
def test_other_fits_are_not_reported(changed: dict[str, object]) -> None:
    assert list(check(loop(**changed))) == []  # type: ignore[arg-type]
