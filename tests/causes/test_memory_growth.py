from __future__ import annotations

import pytest

from fitdoctor.causes.memory.memory_growth import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import EpochRow
from fitdoctor.recording.model.system import System
from tests.support import builders as make


def watched(*megabytes: float, calls: bool = False, **changed: object) -> Facts:
    """A training that held so much memory after each epoch, or after each of many fits."""
    curve = [
        EpochRow(
            number=0 if calls else at, call=at if calls else 0, steps=10, ended_s=at + 1.0, memory_bytes=int(held * 1e6)
        )
        for at, held in enumerate(megabytes)
    ]
    runs = len(megabytes) if calls else 1
    return make.watched_facts(make.fit(curve=curve, epochs_seen=len(megabytes), calls=runs, cut=False, **changed))


def climbing() -> list[float]:
    return [1000.0 + 20 * at for at in range(40)]


def bad() -> Facts:
    return watched(*climbing())


def good() -> Facts:
    """Fills up, then stays."""
    return watched(*[1000.0 + 100 * min(at, 6) + at % 3 for at in range(40)])


def test_it_informs_and_says_how_much() -> None:
    (finding,) = check(bad())
    assert finding.informative
    assert finding.evidence[0].value is not None
    assert 18e6 < finding.evidence[0].value < 22e6


@pytest.mark.parametrize(
    ("limit", "words"), [(4_000_000_000, "4.0 GB that its container may use"), (None, "8.0 GB of this machine")]
)
def test_it_says_when_the_memory_will_be_full(limit: int | None, words: str) -> None:
    facts = bad()
    facts.scout.environment["memory_bytes"] = 8_000_000_000
    facts.scout.system = System(memory_limit_bytes=limit)
    (finding,) = check(facts)
    assert words in finding.evidence[1].text


def test_fits_in_a_loop_are_counted_by_the_fit() -> None:
    (finding,) = check(watched(*climbing(), calls=True, models=40))
    assert "with each fit" in finding.evidence[0].text
    assert "40 models" in finding.evidence[1].text


def test_a_few_megabytes_are_not_reported() -> None:
    assert list(check(watched(*[1000.0 + at for at in range(40)]))) == []


def test_a_short_training_is_not_reported() -> None:
    assert list(check(watched(*climbing()[:10]))) == []
