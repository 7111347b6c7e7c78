from __future__ import annotations

from fitdoctor.causes.input.per_sample_map import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def pipeline(*names: tuple[str, int], input_free: float | None = 2.0) -> Facts:
    return make.facts(make.fit(input_kind="tf.data", operations=make.chain(*names)), input_free=input_free)


def bad() -> Facts:
    return pipeline(("from_tensor_slices", 3), ("map", 4), ("shuffle", 5), ("batch", 6))


def good() -> Facts:
    return pipeline(("from_tensor_slices", 3), ("shuffle", 5), ("batch", 6), ("map", 7))


def test_it_points_at_the_map() -> None:
    (finding,) = check(bad())
    assert finding.locations[0].line == 4
    assert finding.data == {"batch": 3}
    assert "32 times a batch" in finding.evidence[0].text


def test_cheap_maps_are_not_reported() -> None:
    assert list(check(pipeline(("range", 1), ("map", 2), ("batch", 3), input_free=1.03))) == []
