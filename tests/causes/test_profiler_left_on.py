from __future__ import annotations

import pytest

from fitdoctor.causes.callbacks.profiler_left_on import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import DebugSwitch
from tests.support import builders as make


def switched(call: str, **more: float) -> Facts:
    switch = DebugSwitch(call=call, site=make.site(3, f"{call}()"))
    return make.facts(make.fit(debug_switches=[switch]), **more)


def profiled(first: int, last: int) -> Facts:
    board = make.callback("TensorBoard", own=False, attributes={"profile_batch": [first, last]}, hooks={})
    return make.facts(make.fit(epochs=30, callbacks=[board]))


def bad() -> Facts:
    return switched("tf.debugging.enable_check_numerics")


def good() -> Facts:
    return profiled(10, 20)


def test_it_names_the_line_that_turned_it_on() -> None:
    (finding,) = check(bad())
    assert [place.line for place in finding.locations] == [3, 18]
    assert not finding.measured


def test_a_range_of_batches_that_covers_the_training() -> None:
    (finding,) = check(profiled(1, 100_000))
    assert finding.evidence[0].text == "TensorBoard profiles batches 1 to 100000, 100 % of the training."
    assert finding.locations[0].line == 17


@pytest.mark.parametrize(("input_free", "found"), [(2.0, 1), (1.0, 0)])
def test_the_debug_mode_of_a_pipeline_costs_what_input_costs(input_free: float, found: int) -> None:
    facts = switched("tf.data.experimental.enable_debug_mode", input_free=input_free)
    assert len(list(check(facts))) == found


def writing(last: int) -> Facts:
    """61 steps were seen of 3000, and then written down in 5 s."""
    hooks = {"on_train_batch_end": make.took(0.0, 60), "on_train_end": make.took(5.0, 1)}
    board = make.callback("TensorBoard", own=False, attributes={"profile_batch": [1, last]}, hooks=hooks)
    return make.facts(make.fit(epochs=30, callbacks=[board]))


def test_what_it_writes_at_the_end_grows_with_the_steps() -> None:
    (finding,) = check(writing(100_000))
    assert finding.cost_s.low == pytest.approx(5.0)
    assert finding.cost_s.high > 5.0 * 3000 / 61
    assert finding.evidence[-1].text == "It took 5.0 s to write 61 steps."


def test_a_short_range_is_written_during_the_training() -> None:
    (finding,) = check(writing(2_900))
    assert finding.cost_s.low == 0
