from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.causes.host.blocking_logs import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def logger(name: str = "TensorBoard", hook_s: float = 0.0008, *, own: bool = False, **attributes: Any) -> Facts:
    site = None if name == "ProgbarLogger" else make.site(15, f"{name}(", update_freq=16)
    record = make.callback(
        name, own=own, site=site, attributes=attributes, hooks={"on_train_batch_end": make.took(hook_s, 61)}
    )
    fit = make.fit(
        step_s=0.002,
        function_s=0.001,
        epochs=200,
        verbose=1,
        callbacks=[record],
        site=make.site(18, "model.fit(", verbose=20),
    )
    return make.facts(fit)


def bad() -> Facts:
    return logger(update_freq=1)


def good() -> Facts:
    return logger(hook_s=0.00005, update_freq=1)


def test_it_points_at_the_argument_that_sets_the_frequency() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert (finding.locations[0].line, finding.locations[0].code) == (16, "update_freq=1")
    assert finding.cost_s.mid == pytest.approx(0.0008 * 19_999, rel=0.02)


def test_the_progress_bar_is_fits_own() -> None:
    (finding,) = check(logger("ProgbarLogger"))
    assert [(place.line, place.code) for place in finding.locations] == [(20, "verbose=1"), (18, "model.fit(")]


@pytest.mark.parametrize(
    "other", [{"name": "Plotter", "own": True}, {"name": "ModelCheckpoint"}, {"profile_batch": [1, 1000]}]
)
def test_callbacks_of_other_causes_are_skipped(other: dict[str, Any]) -> None:
    assert list(check(logger(**other))) == []
