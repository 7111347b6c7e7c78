from __future__ import annotations

import pytest

from fitdoctor.causes.input.python_in_pipeline import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from tests.support import builders as make


def pipeline(*, python: bool, input_free: float | None = None, by_keras: bool = False) -> Facts:
    source = Operation(
        name="from_generator",
        position=0,
        site=make.site(9, "tf.data.Dataset.from_generator("),
        function=make.site(4, "def rows():"),
        python=python,
        by_keras=by_keras,
    )
    return make.facts(
        make.fit(input_kind="tf.data", operations=make.chain(source, ("batch", 10))), input_free=input_free
    )


def bad() -> Facts:
    return pipeline(python=True)


def good() -> Facts:
    return pipeline(python=False)


def test_before_a_trial_the_cost_is_at_most_the_train_function() -> None:
    facts = bad()
    (finding,) = check(facts)
    assert not finding.measured
    assert finding.cost_s.low == 0
    assert finding.cost_s.high == facts.fits[0].function_s * facts.fits[0].steps("mid")
    assert [place.line for place in finding.locations] == [9, 4]


def test_after_a_trial_the_cost_is_the_measured_wait() -> None:
    facts = pipeline(python=True, input_free=4.0)
    (finding,) = check(facts)
    assert finding.measured
    assert finding.cost_s.mid == 0.75 * facts.fits[0].step_s * facts.fits[0].steps("mid")


def test_a_wait_below_five_percent_is_no_cause() -> None:
    assert list(check(pipeline(python=True, input_free=1.02))) == []


def test_what_keras_builds_around_a_generator_is_another_cause() -> None:
    assert list(check(pipeline(python=True, by_keras=True))) == []


def test_filling_a_shuffle_buffer_counts_as_well() -> None:
    record = pipeline(python=True).fits[0].record
    record.epoch_first_step = make.took(3.02, 1)
    facts = make.facts(record, input_free=4.0)
    (finding,) = check(facts)
    assert finding.cost_s.mid == pytest.approx(0.75 * 0.02 * facts.fits[0].steps("mid") + 9 * 3.0)
    assert "first step of each later epoch" in finding.evidence[2].text


@pytest.mark.parametrize(
    ("stages", "certain"), [((("shuffle", 10),), True), ((("map", 10), ("shuffle", 11)), False), ((), False)]
)
def test_a_buffer_filled_by_python_alone_is_a_certain_cost(stages: tuple[tuple[str, int], ...], certain: bool) -> None:
    source = Operation(name="from_generator", position=0, site=make.site(9), python=True)
    operations = make.chain(source, *stages, ("batch", 12))
    record = make.fit(input_kind="tf.data", operations=operations, epoch_first_step=make.took(3.02, 1))
    facts = make.facts(record, input_free=4.0)
    (finding,) = check(facts)
    assert finding.cost_s.low == pytest.approx(facts.input_cost(facts.fits[0])[0].low + (9 * 3.0 if certain else 0.0))
