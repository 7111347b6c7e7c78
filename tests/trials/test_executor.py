"""An executor in this process."""

from __future__ import annotations

import time
from typing import Any

from fitdoctor.recording.trial_protocol import read_arrival
from fitdoctor.trials.executor import InProcess


def test_an_in_process_executor_carries_out_each_command() -> None:
    asked: list[dict[str, Any]] = []

    def handle_command(command: dict[str, Any]) -> dict[str, Any]:
        asked.append(command)
        return {"windows": len(asked)}

    executor = InProcess(handle_command)
    assert executor.began_s <= time.monotonic()
    assert read_arrival(executor.receive(1.0)).reached
    assert [executor.ask({"do": "windows"}, 0.0)["windows"] for _ in range(2)] == [1, 2]
    assert asked == [{"do": "windows"}] * 2
