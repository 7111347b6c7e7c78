from __future__ import annotations

import pytest

from fitdoctor.causes.input.repeated_preprocessing import check
from fitdoctor.changes.model import InsertCall, MoveCall, Place
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.recording.model import Operation
from fitdoctor.remedies.pipeline import cached_input
from tests.support import builders as make

SOURCE, MAP, BATCH = ("from_tensor_slices", 3), ("map", 4), ("batch", 9)


def pipeline(*steps: tuple[str, int] | Operation, epochs: int = 10) -> Facts:
    return make.facts(make.fit(epochs=epochs, input_kind="tf.data", operations=make.chain(*steps)), input_free=1.5)


def augment(line: int = 6) -> Operation:
    return Operation(name="map", position=0, site=make.site(line), stateful=True)


def bad() -> Facts:
    return pipeline(SOURCE, MAP, ("shuffle", 5), BATCH)


def good() -> Facts:
    return pipeline(SOURCE, augment(), ("shuffle", 7), BATCH)


def proposed(facts: Facts) -> list[object]:
    (finding,) = check(facts)
    (proposal,) = cached_input.propose(finding, facts)
    return [
        ("cache", change.place.line)
        if isinstance(change, InsertCall)
        else ("shuffle", change.place.line, change.behind.line)
        for change in proposal.changes
        if isinstance(change, (InsertCall, MoveCall))
    ]


def test_the_cost_is_that_of_later_passes() -> None:
    (finding,) = check(bad())
    waits, _ = bad().input_cost(bad().fits[0])
    assert finding.cost_s.mid == pytest.approx(waits.mid * 0.9)
    assert finding.cost_s.low == 0


def test_one_epoch_repeats_nothing() -> None:
    assert list(check(pipeline(SOURCE, MAP, BATCH, epochs=1))) == []


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((SOURCE, MAP, ("shuffle", 5), BATCH), [("cache", 4)]),
        ((SOURCE, MAP, BATCH, ("prefetch", 10)), [("cache", 9)]),
        ((SOURCE, MAP, augment(), BATCH), [("cache", 4)]),
        ((SOURCE, ("shuffle", 2), MAP, BATCH), [("cache", 4), ("shuffle", 2, 4)]),
        ((SOURCE, ("shuffle", 2), MAP, augment(), BATCH), [("cache", 4), ("shuffle", 2, 4)]),
        ((SOURCE, MAP, ("shuffle", 5), augment(), BATCH), [("cache", 4)]),
    ],
)
def test_a_cache_goes_after_the_work_and_before_randomness(steps: tuple[object, ...], expected: list[object]) -> None:
    assert proposed(pipeline(*steps)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "steps",
    [
        (SOURCE, MAP, ("cache", 5), BATCH),
        (SOURCE, MAP, ("shuffle", 5), ("cache", 6), BATCH),
        (SOURCE, MAP, ("shuffle", 5), ("take", 6), BATCH),
        (SOURCE, ("shuffle", 2), BATCH, MAP),
        (SOURCE, ("repeat", 2), MAP, BATCH),
        (SOURCE, BATCH),
    ],
)
def test_no_cache_is_proposed_where_it_would_be_wrong(steps: tuple[tuple[str, int], ...]) -> None:
    assert list(check(pipeline(*steps))) == []


def test_a_cache_larger_than_memory_is_not_tried() -> None:
    big = Operation(name="map", position=1, site=make.site(4), element_bytes=10**6, cardinality=10**6)
    facts = pipeline(SOURCE, big, ("shuffle", 5), BATCH)
    facts.scout.environment["memory_bytes"] = 16 * 10**9
    (finding,) = check(facts)
    (proposal,) = cached_input.propose(finding, facts)
    assert not proposal.changes
    assert "1,000 GB" in proposal.untried
    assert 'cache("a file")' in proposal.how


def test_it_treats_python_in_a_map_too() -> None:
    python = Operation(name="map", position=1, site=make.site(4), python=True)
    facts = pipeline(SOURCE, python, BATCH)
    nothing = make.around(0.0)
    (proposal,) = cached_input.propose(Finding(cause="python-in-pipeline", fit=0, cost_s=nothing), facts)
    assert proposal.changes == (InsertCall(place=Place(file=make.SCRIPT, line=9, position=2), call="cache"),)


@pytest.mark.parametrize(
    ("steps", "certain"),
    [
        ((SOURCE, MAP, ("shuffle", 5), BATCH), True),
        ((SOURCE, MAP, ("shuffle", 5), BATCH, augment(), ("prefetch", 10)), True),
        ((SOURCE, MAP, augment(), ("shuffle", 7), BATCH), False),
        ((SOURCE, MAP, BATCH), False),
        ((("from_generator", 3), MAP, ("shuffle", 5), BATCH), False),
    ],
)
def test_filling_a_shuffle_with_this_work_is_a_certain_cost(
    steps: tuple[tuple[str, int] | Operation, ...], certain: bool
) -> None:
    record = pipeline(*steps).fits[0].record
    record.epoch_first_step = make.took(3.02, 1)
    (finding,) = check(make.facts(record, input_free=1.5))
    assert finding.cost_s.low == pytest.approx(9 * 3.0 * 0.9 if certain else 0.0)
