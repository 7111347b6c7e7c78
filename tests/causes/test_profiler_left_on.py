from __future__ import annotations

import pytest

from fitdoctor.causes.callbacks.profiler_left_on import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import DebugSwitch
from tests import builders as make


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


def test_a_range_of_batches_that_holds_the_training() -> None:
    (finding,) = check(profiled(1, 100_000))
    assert finding.evidence[0].text == "TensorBoard profiles batches 1 to 100000, 100 % of the training."
    assert finding.locations[0].line == 17


@pytest.mark.parametrize(("input_free", "found"), [(2.0, 1), (1.0, 0)])
def test_the_debug_mode_of_a_pipeline_costs_what_input_costs(input_free: float, found: int) -> None:
    facts = switched("tf.data.experimental.enable_debug_mode", input_free=input_free)
    assert len(list(check(facts))) == found
