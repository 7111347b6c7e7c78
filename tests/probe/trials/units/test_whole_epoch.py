"""Epochs with all that a prescription treats, on stand-ins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from fitdoctor.changes.model import Place, ThrottleHook
from fitdoctor.probe.trials.units.whole_epoch import WholeEpochTrial
from fitdoctor.recording.trial_protocol import ArmSpec


def throttled(hook: str, every: int) -> ThrottleHook:
    return ThrottleHook(place=Place(file="train.py", line=1), call="Plotter", hook=hook, every=every, index=0)


def nothing(*_: Any, **__: Any) -> Any:
    return lambda: None


def test_throttled_batches_do_not_repeat_the_end_of_an_epoch() -> None:
    feeds = SimpleNamespace(finite=lambda changes: [0])
    runner = SimpleNamespace(changes=[throttled("on_train_batch_end", 50), throttled("on_epoch_end", 5)], steps=1)
    stepper = SimpleNamespace(feeds=feeds, begin=nothing, enter=nothing, go=nothing)
    arm = ArmSpec(id="whole/baseline", parts=["step", "start", "epoch_end"], epoch_steps=3)
    WholeEpochTrial(cast(Any, stepper), cast(Any, None)).prepare(cast(Any, runner), arm)
    assert runner.units == 5
