from __future__ import annotations

from fitdoctor.causes.input.serial_map import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from tests.support import builders as make


def pipeline(*steps: tuple[str, int] | Operation) -> Facts:
    return make.facts(make.fit(input_kind="tf.data", operations=make.chain(*steps)), input_free=1.5)


def bad() -> Facts:
    return pipeline(("from_tensor_slices", 3), ("map", 4), ("batch", 5))


def good() -> Facts:
    parallel = Operation(name="map", position=1, site=make.site(4), arguments={"num_parallel_calls": -1})
    return pipeline(("from_tensor_slices", 3), parallel, ("batch", 5))


def test_it_points_at_the_map() -> None:
    (finding,) = check(bad())
    assert [place.line for place in finding.locations] == [4]
    assert "one of 2 cores" in finding.evidence[0].text


def test_a_map_before_a_cache_works_once() -> None:
    assert list(check(pipeline(("from_tensor_slices", 3), ("map", 4), ("cache", 5), ("batch", 6)))) == []


def test_one_core_is_not_reported() -> None:
    facts = bad()
    facts.scout.environment["cores"] = 1
    assert list(check(facts)) == []
