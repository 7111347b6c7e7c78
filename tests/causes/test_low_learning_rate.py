from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fitdoctor.causes.convergence.low_learning_rate import check
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.measured_ratios import MeasuredRatios
from fitdoctor.recording.model import CallbackRecord, EpochRow
from fitdoctor.remedies.registry import offers
from tests.support import builders as make


def at(rate: float | None, *, losses: tuple[float, ...] = (), **changed: Any) -> Facts:
    curve = [EpochRow(number=at, ended_s=float(at), logs={"loss": loss}) for at, loss in enumerate(losses)]
    fit = make.fit(step_s=0.01, epochs=50, optimizer="Adam", learning_rate=rate, curve=curve, **changed)
    return make.facts(fit)


def bad() -> Facts:
    return at(1e-5, losses=(2.4, 2.3, 2.2, 2.1, 2.0))


def good() -> Facts:
    return at(1e-3)


def test_a_low_rate_is_detected_and_raced_at_higher_rates() -> None:
    (finding,) = check(bad())
    assert finding.cost_s.low == 0
    assert "100 times below its default of 0.001" in finding.evidence[0].text
    found, problems = offers(replace(finding, cause="low-learning-rate"), bad())
    assert not problems
    assert [offer.changes[0]["value"] for offer in found] == [1e-4, 1e-3]
    assert {offer.unit for offer in found} == {"race"}


@pytest.mark.parametrize(
    "facts",
    [
        good(),
        at(2e-4),
        at(None),
        at(1e-5, losses=(2.4, 1.0, 0.999, 0.999, 0.999, 0.999)),
        at(
            1e-5,
            callbacks=[CallbackRecord(index=0, name="LearningRateScheduler", module="keras", own=False, steers=True)],
        ),
    ],
    ids=["default", "a little below", "schedule", "loss lies still", "raised by a callback"],
)
def test_other_rates_are_not_reported(facts: Facts) -> None:
    assert list(check(facts)) == []


def test_any_rate_is_a_cause_if_a_higher_rate_alone_won() -> None:
    facts = good()
    won = Facts(facts.run, MeasuredRatios(rate_alone={0: 0.004}))
    (finding,) = check(won)
    assert finding.data["rates"] == [0.004]
