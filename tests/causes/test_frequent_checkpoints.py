from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.causes.callbacks.frequent_checkpoints import check
from fitdoctor.causes.callbacks.slow_callback import check as slow
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def checkpoint(
    unit_s: float = 1.0,
    name: str = "ModelCheckpoint",
    *,
    own: bool = False,
    saves_s: float | None = None,
    **attributes: Any,
) -> Facts:
    record = make.callback(
        name,
        own=own,
        attributes={"save_freq": "epoch", "save_best_only": False, "save_weights_only": False, **attributes},
        hooks={"on_epoch_end": make.took(unit_s, 2)},
        saves=make.took(unit_s if saves_s is None else saves_s, 2),
        saved_bytes=13_000_000,
    )
    return make.facts(make.fit(callbacks=[record]))


def bad() -> Facts:
    return checkpoint()


def good() -> Facts:
    return checkpoint(unit_s=0.01)


def test_it_says_how_often_and_how_much() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.mid == pytest.approx(10.0)
    assert finding.evidence[0].text == "ModelCheckpoint saves some 10 times, 1.0 s for 13 MB each."
    assert [place.line for place in finding.locations] == [17, 18]


def test_how_often_a_score_improves_is_not_known() -> None:
    (finding,) = check(checkpoint(save_best_only=True))
    assert finding.cost_s.low == 0
    assert finding.cost_s.mid == pytest.approx(5.0)
    assert "up to 10 times" in finding.evidence[0].text


def test_a_callback_of_the_scripts_own_that_saves_is_no_slow_callback() -> None:
    facts = checkpoint(name="Keeper", own=True)
    assert len(list(check(facts))) == 1
    assert list(slow(facts)) == []


def test_a_callback_that_rarely_saves_is_a_slow_callback() -> None:
    facts = checkpoint(name="Plotter", own=True, saves_s=0.1)
    assert list(check(facts)) == []
    assert len(list(slow(facts))) == 1
