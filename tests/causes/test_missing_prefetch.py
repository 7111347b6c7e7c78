from __future__ import annotations

from fitdoctor.causes.input.missing_prefetch import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def pipeline(*names: tuple[str, int]) -> Facts:
    return make.facts(make.fit(input_kind="tf.data", operations=make.chain(*names)), input_free=1.5)


def bad() -> Facts:
    return pipeline(("from_tensor_slices", 3), ("map", 4), ("batch", 5))


def good() -> Facts:
    return pipeline(("from_tensor_slices", 3), ("map", 4), ("batch", 5), ("prefetch", 6))


def test_it_points_at_the_end_of_the_pipeline() -> None:
    (finding,) = check(bad())
    assert [place.line for place in finding.locations] == [5, 18]
    assert "ends in batch()" in finding.evidence[0].text


def test_arrays_are_not_the_users_pipeline() -> None:
    assert list(check(make.facts(make.fit(operations=make.chain(("batch", 5)))))) == []
