"""Which callbacks a race may call."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from fitdoctor.probe import harmless

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


def test_one_that_only_looks_at_its_logs_may_be_called() -> None:
    assert harmless.obstacle(Goal()) == ""
    assert "val_accuracy" in harmless.constants(Goal())


@pytest.mark.parametrize("callback", [Clock(), Writer(), Keeper(), Indirect()])
def test_any_other_may_not(callback: Any) -> None:
    assert harmless.obstacle(callback)
