from __future__ import annotations

import pytest

from fitdoctor.causes.host.dispatch_bound_steps import DISPATCH_MID_S, check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def short(**changed: object) -> Facts:
    return make.facts(make.fit(**{"step_s": 0.001, "epochs": 200, **changed}))  # type: ignore[arg-type]


def bad() -> Facts:
    return short()


def good() -> Facts:
    return short(step_s=0.05)


def test_the_estimate_is_the_fixed_cost_of_all_launches() -> None:
    facts = bad()
    (finding,) = check(facts)
    assert finding.cost_s.mid == pytest.approx(DISPATCH_MID_S * facts.fits[0].steps("mid"))
    assert finding.locations[0].line == 12
    assert "1.0 ms" in finding.evidence[0].text


@pytest.mark.parametrize("changed", [{"run_eagerly": True}, {"steps_per_execution": 8, "step_s": 0.008}, {"epochs": 1}])
def test_other_fits_are_not_reported(changed: dict[str, object]) -> None:
    assert list(check(short(**changed))) == []


def test_the_estimate_never_exceeds_the_step() -> None:
    (finding,) = check(short(step_s=0.0002, epochs=2000))
    assert finding.cost_s.low == finding.cost_s.high
