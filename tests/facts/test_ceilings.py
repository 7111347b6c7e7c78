from __future__ import annotations

import pytest

from fitdoctor.facts.ceilings import make_ceilings
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.measured_ratios import MeasuredRatios
from fitdoctor.recording.model import CallSiteRecord
from fitdoctor.report.model import Interval
from tests.support import builders as make


def test_input_needs_a_trial() -> None:
    assert make_ceilings(make.facts(make.fit())) == ()
    facts = make.facts(make.fit(), input_free=4.0)
    (ceiling,) = make_ceilings(facts)
    assert (ceiling.kind, ceiling.measured) == ("input", True)
    assert ceiling.speedup == pytest.approx(
        facts.total_s / (facts.total_s - 0.75 * facts.projection.under("fit0/step"))
    )


def test_free_callbacks_include_their_calls_of_keras() -> None:
    record = make.fit(callbacks=[make.callback(hooks={"on_epoch_end": make.took(1.0, 2)})])
    nested = CallSiteRecord(
        kind="predict", site=make.site(7), inside=0, hook="on_epoch_end", calls=4, run=make.took(1.0, 4)
    )
    facts = make.facts(record, loops=[nested])
    (ceiling,) = make_ceilings(facts)
    assert ceiling.kind == "callbacks"
    assert ceiling.speedup == pytest.approx(facts.total_s / (facts.total_s - 10 - 20))


def test_callbacks_of_keras_itself_are_not_the_users() -> None:
    bar = make.callback("ProgbarLogger", own=False, hooks={"on_train_batch_end": make.took(0.001, 60)})
    assert make_ceilings(make.facts(make.fit(callbacks=[bar]))) == ()


def test_validation_is_timed_directly() -> None:
    record = make.fit(validation_steps=5, validation_step=make.took(0.1, 10), validation_overhead=make.took(0.5, 2))
    (ceiling,) = make_ceilings(make.facts(record))
    assert ceiling.kind == "validation"
    assert ceiling.speedup > 1


def test_an_uncertain_ceiling_is_not_reported() -> None:
    unclear = MeasuredRatios(input_free={0: Interval(low=0.7, mid=1.6, high=3.1)})
    assert make_ceilings(Facts(make.run(make.fit()), unclear)) == ()
