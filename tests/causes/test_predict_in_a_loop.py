from __future__ import annotations

import pytest

from fitdoctor.causes.host.predict_in_a_loop import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import CallSiteRecord
from tests.support import builders as make


def loop(**changed: object) -> Facts:
    values = {"kind": "predict", "site": make.site(30, "model.predict(row)"), "calls": 400, "rows": 1, "batch_size": 32}
    return make.facts(
        make.fit(), loops=[CallSiteRecord(**{**values, "run": make.took(0.05, 40, first_s=0.4), **changed})]
    )  # type: ignore[arg-type]


def bad() -> Facts:
    return loop()


def good() -> Facts:
    return loop(calls=3)


def test_its_cost_is_the_number_of_calls_times_their_time() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.mid == pytest.approx(400 * 0.05)
    assert finding.loop == 0
    assert "400 times on 1 row" in finding.evidence[0].text


@pytest.mark.parametrize(
    "changed", [{"rows": 1000}, {"rows": None}, {"kind": "train_on_batch"}, {"run": make.took(1e-4, 40)}]
)
def test_other_fits_are_not_reported(changed: dict[str, object]) -> None:
    assert list(check(loop(**changed))) == []


def test_calls_in_a_hook_are_those_of_the_whole_training() -> None:
    (finding,) = check(loop(calls=10, inside=0, hook="on_epoch_end"))
    assert "50 times" in finding.evidence[0].text
    assert [place.line for place in finding.locations] == [30, 18]


def test_with_a_few_batches_the_cost_needs_a_trial() -> None:
    (finding,) = check(loop(rows=128))
    assert not finding.measured
    assert (finding.cost_s.low, finding.cost_s.mid) == (0.0, pytest.approx(400 * 0.05))
