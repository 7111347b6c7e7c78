"""While steps are not looked at, Keras' own hooks are called, no step is lost to the count, and the list is left as it
was.
"""

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
from fitdoctor.probe.instrument.batch_waits import AT_ONCE
from fitdoctor.probe.timing import step_sampling
from fitdoctor.probe.timing.hook_bypass import Aside
from fitdoctor.probe.timing.step_sampling import LOOKED_FIRST
from fitdoctor.recording.model import Fit

HOOKS = ("on_train_batch_begin", "on_train_batch_end")


class Trainer(fake_keras.FakeTrainer):
    """Notes, at each step, whether the list of callbacks has hooks of its own, and does something at a step."""

    def __init__(self, role: Any, act: Any = None, at: int = 0, at_once: int = 1) -> None:
        super().__init__()
        self.role, self.act, self.at, self.steps_per_execution = role, act, at, at_once
        self.aside: list[bool] = []

    def train_function(self, data: Iterator[None]) -> dict[str, float]:
        logs = super().train_function(data)
        timer = self.role.timer
        self.aside.append(timer is not None and aside(timer.callbacks))
        if self.act is not None and len(self.aside) == self.at:
            self.act(self)
        return logs


def aside(callbacks: Any) -> bool:
    return any(name in vars(callbacks) for name in HOOKS)


@contextmanager
def fitted(batches: int = 2000, *, long_s: float = 10.0, **arguments: Any) -> Iterator[tuple[Trainer, Fit, Any]]:
    """A fit of two epochs, beside which the list of callbacks that it had is given.

    No hiccup of the machine is long for it.
    """
    long = (patch.object(module, "LONG_S", long_s) for module in (batch_waits, step_hooks))
    with next(long), next(long), patch.object(step_sampling, "UNUSUAL", 1e6), watched("jax") as role:
        trainer = Trainer(role, **arguments)
        kept: list[Any] = []

        class Keeps(fake_keras.CountingCallback):
            def on_train_begin(self, logs: Any = None) -> None:
                kept.append(role.timer.callbacks)

        with suppress(ZeroDivisionError):
            trainer.fit([[0.0]], epochs=2, steps_per_epoch=batches, callbacks=[Keeps()])
        assert role.recording, role.record.limits
        assert not role.record.limits
        yield trainer, role.record.fits[0], kept[0]


@pytest.mark.parametrize(("batches", "at_once"), [(2000, 1), (7001, 3), (9000, 3), (200, 1)])
def test_no_step_is_lost_to_the_count(batches: int, at_once: int) -> None:
    with fitted(batches, at_once=at_once) as (trainer, fit, callbacks):
        steps = 2 * -(-batches // at_once)
        assert len(trainer.aside) == steps
        assert any(trainer.aside) == (batches > LOOKED_FIRST)
        assert not trainer.aside[-1]  # the last of an epoch is seen
        assert (fit.first_step.count, fit.epoch_first_step.count, fit.step.count) == (1, 1, steps - 2)
        assert fit.input_wait.count == steps - 2
        assert not aside(callbacks)


def broken(trainer: Trainer) -> None:
    raise ZeroDivisionError


def stopped(trainer: Trainer) -> None:
    trainer.stop_training = True


@pytest.mark.parametrize(("end", "ended"), [(broken, 0), (stopped, 1)])
@pytest.mark.parametrize("at_once", [1, 3])
def test_an_epoch_that_ends_early_has_its_steps_counted(end: Any, ended: int, at_once: int) -> None:
    at = 4000  # of the first epoch
    with fitted(at_once * 6000, at_once=at_once, act=end, at=at) as (trainer, fit, callbacks):
        assert trainer.aside[at - 1]
        again = trainer.aside[at:]
        assert fit.first_step.count + fit.step.count == at - 1 + ended + max(0, len(again) - 1)
        assert not aside(callbacks)


def test_seams_stand_again_where_a_step_was_long() -> None:
    with fitted(6000, act=lambda trainer: time.sleep(0.5), at=4000, long_s=0.4) as (trainer, fit, _):
        assert trainer.aside[3999]
        assert not trainer.aside[4000 + AT_ONCE]
        assert fit.step.count == 12_000 - 2


@pytest.mark.parametrize("part", ["begin", "some", "end"])
def test_a_fault_leaves_the_training_as_it_was(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(Aside, part, fails)
    with watched("jax") as role:
        trainer = Trainer(role)
        trainer.fit([[0.0]], epochs=2, steps_per_epoch=2000)
        assert len(trainer.aside) == 4000
        assert "a fault" in role.record.limits[0]


class Hooks:
    def on_train_batch_begin(self) -> str:
        return "seam"


def seam_of(cls: Any) -> Aside:
    found = Aside()
    found.seams["on_train_batch_begin"] = cls.on_train_batch_begin, lambda callbacks: "its own"
    return found


def test_only_one_list_has_its_own_hooks() -> None:
    found, one, other = seam_of(Hooks), Hooks(), Hooks()
    found.begin(one, 3, 1)
    assert (one.on_train_batch_begin(), other.on_train_batch_begin()) == ("its own", "seam")
    assert list(found.some(iter("abcdef"), 2)) == ["a", "b"]
    assert found.all_came
    assert list(found.some(iter("cdef"), 2)) == ["c"]
    assert (found.draws, found.end(last_ended=True)) == (0, 3)
    assert one.on_train_batch_begin() == "seam"
    assert not found.begun


def test_batches_that_end_early_are_told() -> None:
    found = seam_of(Hooks)
    found.begin(Hooks(), 9, 1)
    assert list(found.some(iter("ab"), 5)) == ["a", "b"]
    assert not found.all_came
    assert found.end(last_ended=False) == 2


class Derived(Hooks):
    def on_train_batch_begin(self) -> str:
        return "derived"


@pytest.mark.parametrize("whose", ["class", "instance"])
def test_it_does_not_step_aside_where_somebody_else_has_changed_a_hook(whose: str) -> None:
    found, callbacks = seam_of(Hooks), Derived() if whose == "class" else Hooks()
    if whose == "instance":
        callbacks.on_train_batch_begin = lambda: "theirs"  # type: ignore[method-assign]
    found.begin(callbacks, 3, 1)
    assert not found.begun
    assert callbacks.on_train_batch_begin() == ("derived" if whose == "class" else "theirs")


def test_what_somebody_else_puts_there_meanwhile_stays() -> None:
    found, callbacks = seam_of(Hooks), Hooks()
    found.begin(callbacks, 3, 1)
    callbacks.on_train_batch_begin = lambda: "theirs"  # type: ignore[method-assign]
    found.end(last_ended=True)
    assert callbacks.on_train_batch_begin() == "theirs"
