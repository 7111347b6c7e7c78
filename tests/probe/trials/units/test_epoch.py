from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.units import epoch
from fitdoctor.probe.trials.units.epoch import Epochs

STEPS = 50


def prepared(monkeypatch: pytest.MonkeyPatch, *, first_s: float, step_s: float) -> dict[str, Any]:
    """An epoch on a clock of its own."""
    now_s = [0.0]
    monkeypatch.setattr(epoch, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))
    monkeypatch.setattr(cpu_contention, "wait_until_quiet", lambda: None)

    def go(runner: Any, steps: int) -> None:
        now_s[0] += step_s * steps if runner.going else first_s
        runner.going = True

    feeds = SimpleNamespace(finite=lambda changes, anew: [0], take_aside_s=lambda: 0.0, take_sentence=lambda: "")
    runner = SimpleNamespace(changes=[], dataset=None, iterator=None, steps=1, going=False)
    return Epochs(feeds, STEPS, lambda *_, **__: lambda: None, go).prepare(runner)  # type: ignore[arg-type]


def test_a_wait_at_the_start_is_not_taken_for_what_each_step_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = prepared(monkeypatch, first_s=3.0, step_s=0.02)
    assert reply["unit_s"] == pytest.approx(3.0 + (STEPS - 1) * 0.02)


@pytest.mark.parametrize(("first_s", "step_s"), [(7.0, 0.01), (0.3, 0.3)])
def test_a_long_epoch_is_given_up_soon(monkeypatch: pytest.MonkeyPatch, first_s: float, step_s: float) -> None:
    with pytest.raises(ValueError, match="too long"):
        prepared(monkeypatch, first_s=first_s, step_s=step_s)
