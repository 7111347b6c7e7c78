"""While hooks are bypassed, Keras' own are called, and all steps are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

import pytest

from bench.overhead import fake_keras
from bench.overhead.loop import watched
from fitdoctor.probe.instrument import batch_waits, step_hooks
from fitdoctor.probe.instrument.batch_waits import BLOCK_BATCHES
from fitdoctor.probe.timing import step_breakdown
from fitdoctor.probe.timing.hook_bypass import HookBypass
from fitdoctor.probe.timing.step_sampling import SAMPLED_AT_FIRST, StepSkip
from fitdoctor.recording.model import Fit

HOOKS = ("on_train_batch_begin", "on_train_batch_end")


class Trainer(fake_keras.FakeTrainer):
    """Records at each step whether the hooks are bypassed, and acts at one of them."""

    def __init__(self, role: Any, act: Any = None, at: int = 0, at_once: int = 1) -> None:
        super().__init__()
        self.role, self.act, self.at, self.steps_per_execution = role, act, at, at_once
        self.bypassed: list[bool] = []

    def train_function(self, data: Iterator[None]) -> dict[str, float]:
        logs = super().train_function(data)
        timer = self.role.timer
        self.bypassed.append(timer is not None and is_bypassed(timer.sampler.callback_list))
        if self.act is not None and len(self.bypassed) == self.at:
            self.act(self)
        return logs


def is_bypassed(callbacks: Any) -> bool:
    return any(name in vars(callbacks) for name in HOOKS)


@contextmanager
def fitted(batches: int = 2000, *, long_s: float = 10.0, **arguments: Any) -> Iterator[tuple[Trainer, Fit, Any]]:
    """Runs a fit of two epochs, for which no step is long. Yields it with its record and its list of callbacks."""
    long = (patch.object(module, "LONG_S", long_s) for module in (batch_waits, step_hooks))
    with next(long), next(long), patch.object(step_breakdown, "UNUSUAL_RATIO", 1e6), watched("jax") as role:
        trainer = Trainer(role, **arguments)
        kept: list[Any] = []

        class Keeps(fake_keras.CountingCallback):
            def on_train_begin(self, logs: Any = None) -> None:
                kept.append(role.timer.sampler.callback_list)

        with suppress(ZeroDivisionError):
            trainer.fit([[0.0]], epochs=2, steps_per_epoch=batches, callbacks=[Keeps()])
        assert role.recording, role.record.limits
        assert not role.record.limits
        yield trainer, role.record.fits[0], kept[0]


@pytest.mark.parametrize(("batches", "at_once"), [(2000, 1), (7001, 3), (9000, 3), (200, 1)])
def test_every_step_is_counted(batches: int, at_once: int) -> None:
    with fitted(batches, at_once=at_once) as (trainer, fit, callbacks):
        steps = 2 * -(-batches // at_once)
        assert len(trainer.bypassed) == steps
        assert any(trainer.bypassed) == (batches > SAMPLED_AT_FIRST)
        assert not trainer.bypassed[-1]  # the last step of an epoch has its hooks
        assert (fit.first_step.count, fit.epoch_first_step.count, fit.step.count) == (1, 1, steps - 2)
        assert fit.input_wait.count == steps - 2
        assert not is_bypassed(callbacks)


def broken(trainer: Trainer) -> None:
    raise ZeroDivisionError


def stopped(trainer: Trainer) -> None:
    trainer.stop_training = True


@pytest.mark.parametrize(("end", "ended"), [(broken, 0), (stopped, 1)])
@pytest.mark.parametrize("at_once", [1, 3])
def test_the_steps_of_an_epoch_that_ends_early_are_counted(end: Any, ended: int, at_once: int) -> None:
    at = 4000  # of the first epoch
    with fitted(at_once * 6000, at_once=at_once, act=end, at=at) as (trainer, fit, callbacks):
        assert trainer.bypassed[at - 1]
        again = trainer.bypassed[at:]
        assert fit.first_step.count + fit.step.count == at - 1 + ended + max(0, len(again) - 1)
        assert not is_bypassed(callbacks)


def test_a_long_step_ends_the_bypass() -> None:
    with fitted(6000, act=lambda trainer: time.sleep(0.5), at=4000, long_s=0.4) as (trainer, fit, _):
        assert trainer.bypassed[3999]
        assert not trainer.bypassed[4000 + BLOCK_BATCHES]
        assert fit.step.count == 12_000 - 2


@pytest.mark.parametrize("part", ["begin", "next_batches", "end"])
def test_a_fault_does_not_change_the_training(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(HookBypass, part, fails)
    with watched("jax") as role:
        trainer = Trainer(role)
        trainer.fit([[0.0]], epochs=2, steps_per_epoch=2000)
        assert len(trainer.bypassed) == 4000
        assert "a fault" in role.record.limits[0]


def test_a_fault_of_the_state_itself_does_not_change_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(StepSkip, "pause", fails)
    with watched("jax") as role:
        trainer = Trainer(role)
        trainer.fit([[0.0]], epochs=2, steps_per_epoch=20)
        assert len(trainer.bypassed) == 40
        assert "a fault" in role.record.limits[0]


class Hooks:
    def on_train_batch_begin(self) -> str:
        return "wrapper"


def bypass_of(cls: Any) -> HookBypass:
    bypass = HookBypass()
    bypass.hooks["on_train_batch_begin"] = cls.on_train_batch_begin, lambda callbacks: "original"
    return bypass


def test_the_hooks_of_one_list_are_bypassed() -> None:
    bypass, one, other = bypass_of(Hooks), Hooks(), Hooks()
    bypass.begin(one, 3, 1)
    assert (one.on_train_batch_begin(), other.on_train_batch_begin()) == ("original", "wrapper")
    assert list(bypass.next_batches(iter("abcdef"), 2)) == ["a", "b"]
    assert bypass.all_requested
    assert list(bypass.next_batches(iter("cdef"), 2)) == ["c"]
    assert (bypass.batches_left, bypass.end(last_ended=True)) == (0, 3)
    assert one.on_train_batch_begin() == "wrapper"
    assert not bypass.active


def test_batches_that_end_early_are_counted() -> None:
    bypass = bypass_of(Hooks)
    bypass.begin(Hooks(), 9, 1)
    assert list(bypass.next_batches(iter("ab"), 5)) == ["a", "b"]
    assert not bypass.all_requested
    assert bypass.end(last_ended=False) == 2


class Derived(Hooks):
    def on_train_batch_begin(self) -> str:
        return "derived"


@pytest.mark.parametrize("whose", ["class", "instance"])
def test_hooks_that_somebody_else_has_changed_are_not_bypassed(whose: str) -> None:
    bypass, callbacks = bypass_of(Hooks), Derived() if whose == "class" else Hooks()
    if whose == "instance":
        callbacks.on_train_batch_begin = lambda: "theirs"  # type: ignore[method-assign]
    bypass.begin(callbacks, 3, 1)
    assert not bypass.active
    assert callbacks.on_train_batch_begin() == ("derived" if whose == "class" else "theirs")


def test_a_hook_that_somebody_else_sets_meanwhile_stays() -> None:
    bypass, callbacks = bypass_of(Hooks), Hooks()
    bypass.begin(callbacks, 3, 1)
    callbacks.on_train_batch_begin = lambda: "theirs"  # type: ignore[method-assign]
    bypass.end(last_ended=True)
    assert callbacks.on_train_batch_begin() == "theirs"
