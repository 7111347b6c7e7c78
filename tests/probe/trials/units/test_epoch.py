"""Whole epochs on a clock that the test moves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.units import base, epoch
from fitdoctor.probe.trials.units.epoch import EpochTrial
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared

STEPS = 50


def prepared(monkeypatch: pytest.MonkeyPatch, *, first_s: float, step_s: float) -> Prepared:
    """Prepares an arm whose steps take these seconds."""
    now_s = [0.0]
    for module in (base, epoch):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))
    monkeypatch.setattr(cpu_contention, "wait_until_quiet", lambda: None)

    def go(runner: Any, steps: int) -> None:
        now_s[0] += step_s * steps if runner.going else first_s
        runner.going = True

    feeds = SimpleNamespace(finite=lambda changes, anew: [0], take_slice_s=lambda: 0.0, take_sentence=lambda: "")
    stepper = SimpleNamespace(
        bound={"x": None, "batch_size": None, "steps_per_epoch": STEPS},
        feeds=feeds,
        begin=lambda: None,
        enter=lambda *_, **__: lambda: None,
        go=go,
    )
    runner = SimpleNamespace(changes=[], dataset=None, iterator=None, steps=1, going=False)
    return EpochTrial(cast(Any, stepper)).prepare(cast(Any, runner), ArmSpec(id="epoch/baseline"))


def test_a_slow_first_step_is_not_taken_for_the_cost_of_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    found = prepared(monkeypatch, first_s=3.0, step_s=0.02)
    assert found.unit_s == pytest.approx(3.0 + (STEPS - 1) * 0.02)


@pytest.mark.parametrize(("first_s", "step_s"), [(7.0, 0.01), (0.3, 0.3)])
def test_a_long_epoch_is_given_up_early(monkeypatch: pytest.MonkeyPatch, first_s: float, step_s: float) -> None:
    with pytest.raises(ValueError, match="too long"):
        prepared(monkeypatch, first_s=first_s, step_s=step_s)
