from __future__ import annotations

import pytest

from fitdoctor.causes.host.rebuilt_model import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def folds(**changed: object) -> Facts:
    """Twenty fits of a model each, three seconds of steps long, whose first steps take 1.5 s, 1 s of it to trace."""
    values = {
        "calls": 20,
        "epochs": 3,
        "steps": 50,
        "models": 20,
        "compiles": 20,
        "data_objects": 20,
        "first_step": make.took(1.5, 20),
        "traces": make.took(0.5, 40),
    }
    return make.facts(make.fit(**{**values, **changed}))  # type: ignore[arg-type]


def bad() -> Facts:
    return folds()


def good() -> Facts:
    return folds(models=1, compiles=1, first_step=make.took(0.04, 20, first_s=1.5), traces=make.took(0.5, 2))


def test_its_cost_is_the_time_to_trace_again() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.mid == pytest.approx(19 * 1.48)
    assert finding.cost_s.low == pytest.approx(19 * 1.0)
    assert [place.line for place in finding.locations] == [12, 18]
    assert "20 models" in finding.evidence[0].text


def test_compiling_again_counts_as_well() -> None:
    (finding,) = check(folds(models=1))
    assert "compiled 20 times" in finding.evidence[0].text


@pytest.mark.parametrize("changed", [{"calls": 2, "models": 2, "compiles": 2}, {"steps": 5000}])
def test_other_fits_are_not_reported(changed: dict[str, object]) -> None:
    assert list(check(folds(**changed))) == []


def test_a_search_over_sizes_is_no_rebuilding() -> None:
    assert not list(check(folds(model_sizes=2)))
    assert list(check(folds(model_sizes=1)))
