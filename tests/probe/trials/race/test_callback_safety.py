"""Callbacks that are safe to call in a race."""

from __future__ import annotations

import math
import time
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fitdoctor.probe.trials.race import callback_safety, callbacks

LIMIT = 0.9
SEEN: list[float] = []


class Goal:
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs["val_accuracy"] >= LIMIT and self._is_number(logs):
            print("there")  # noqa: T201
            self.model.stop_training = True  # type: ignore[attr-defined]

    def _is_number(self, logs: Any) -> bool:
        return not math.isnan(logs["loss"])


class Clock:
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.stop = time.time() > 5


class Writer:
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with open("log.txt", "a") as file:  # noqa: PTH123
            file.write("x")


class Keeper:
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        SEEN.append(1.0)


class Indirect:
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._go()

    def _go(self) -> None:
        self.model.save("model.keras")  # type: ignore[attr-defined]


class Tracker:
    entity: Any = None

    def log(self, logs: Any) -> None:
        SEEN.append(logs["loss"])


class Logs:
    def __init__(self, run: Any) -> None:
        self.run = run

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.run.log(logs)


class Property:
    @property
    def run(self) -> Any:
        SEEN.append(1.0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.run.log(logs)


class OfClass:
    cursor = SimpleNamespace(execute=print)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.cursor.execute("insert")


class Derived(Writer):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)


class Holder:
    def __init__(self) -> None:
        self.limits, self.recent, self.values, self.best = {"loss": [0.1]}, deque([1.0]), np.zeros(3), np.float32(1)
        self.better, self.kind = (lambda a, b: a < b), np.float32

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.recent.append(self.kind(logs["loss"]))
        self.values[0] = logs["loss"]
        if self.better(self.best, self.limits["loss"][0]):
            self.model.stop_training = True  # type: ignore[attr-defined]


def test_a_callback_that_holds_only_values_is_safe() -> None:
    assert callback_safety.unsafe_reason(Holder()) == ""


def test_the_values_of_a_callback_are_copied_for_a_race() -> None:
    holder = Holder()
    copied = callbacks._copied(holder)
    copied.limits["loss"].append(0.2)
    copied.recent.append(2.0)
    copied.values[0] = 1.0
    assert (holder.limits, list(holder.recent), holder.values[0]) == ({"loss": [0.1]}, [1.0], 0.0)


def test_a_callback_that_only_reads_its_logs_is_safe() -> None:
    assert callback_safety.unsafe_reason(Goal()) == ""
    assert "val_accuracy" in callback_safety.constants(Goal())


@pytest.mark.parametrize(
    "callback",
    [
        Clock(), Writer(), Keeper(), Indirect(), Derived(), Property(), OfClass(),
        Logs(Tracker()), Logs([Tracker()]), Logs(Tracker().log), Logs(np.random.default_rng(0)),
    ],
)  # fmt: skip
def test_other_callbacks_are_unsafe(callback: Any) -> None:
    assert callback_safety.unsafe_reason(callback)
