"""The messages between a diagnosis and the process that runs trials."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fitdoctor.recording.model import Arm, Window
from fitdoctor.recording.trial_protocol import (
    AddRacer,
    ArmSpec,
    CallsTried,
    Command,
    Failed,
    InspectModel,
    LapDone,
    MeasureProcess,
    MeasureWindows,
    Prepare,
    Prepared,
    PrepareRace,
    Quit,
    RaceLap,
    RacePrepared,
    RacerReady,
    StartRun,
    TimedWindow,
    TryCalls,
    Verify,
    WindowsMeasured,
    read_command,
    to_data,
)

ARM = ArmSpec(id="step/cache", unit="step", remedy="cache", changes=[{"kind": "insert-call"}], epoch_steps=3)


def sent(data: dict[str, Any]) -> dict[str, Any]:
    """The data as it arrives at the other end of a pipe."""
    found: dict[str, Any] = json.loads(json.dumps(data))
    return found


@pytest.mark.parametrize(
    "command",
    [
        Prepare(arm=ARM),
        Verify(arm=ARM),
        MeasureWindows(arms=[ARM, ARM]),
        TryCalls(arms=[ARM], seconds=5.0, rounds=8),
        MeasureProcess(stretches=3),
        InspectModel(rows=32, seconds=3.0),
        PrepareRace(arms=[ARM], seconds=5.0),
        AddRacer(arm=ARM),
        StartRun(arm="race/baseline", repetition=1),
        RaceLap(arm="race/baseline", steps=10),
        Quit(),
    ],
    ids=lambda command: command.do,
)
def test_a_command_arrives_as_it_was_sent(command: Command[Any]) -> None:
    assert read_command(sent(command.to_data())) == command


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (Prepare(arm=ARM), Prepared(one_off_s=1.0, limits=["a limit"])),
        (MeasureWindows(arms=[ARM]), WindowsMeasured(windows=[TimedWindow(seconds=1.0, units=2)])),
        (
            TryCalls(arms=[ARM], seconds=5.0, rounds=8),
            CallsTried(windows=[Window(arm="call/baseline", round=0, order=0, seconds=1.0, units=8)]),
        ),
        (
            PrepareRace(arms=[ARM], seconds=5.0),
            RacePrepared(arms={"a": RacerReady(why="no memory")}, judged_on="", rows=1, score_s=0.1, varied="order"),
        ),
        (RaceLap(arm="race/baseline", steps=10), LapDone(seconds=1.0, steps=10, score=None)),
        (Prepare(arm=ARM), Failed(error="", state_changed=True)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_reply_arrives_as_it_was_sent(command: Command[Any], reply: Any) -> None:
    assert command.read_reply(sent(to_data(reply))) == reply


@pytest.mark.parametrize("data", [{}, {"windows": 3}, {"windows": [None]}, {"windows": [{"seconds": 1.0}]}])
def test_other_data_is_no_reply(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no reply to windows"):
        MeasureWindows(arms=[ARM]).read_reply(data)


def test_unknown_keys_are_left_out() -> None:
    assert Prepare(arm=ARM).read_reply({"one_off_s": 1.0, "of_a_later_version": 2}) == Prepared(one_off_s=1.0)


def test_the_specification_of_an_arm_leaves_its_results_out() -> None:
    arm = Arm(
        id="step/cache", role="remedy", unit="step", remedy="cache", changes=[{"kind": "insert-call"}], why="late"
    )
    assert ArmSpec.of(arm, epoch_steps=3) == ARM
