"""A trial of calls that a script repeats at one place."""

from __future__ import annotations

from fitdoctor.recording.model import Rehearsal
from fitdoctor.recording.trial_protocol import ArmSpec, Failed, TryCalls
from fitdoctor.trials.arm_commands import ArmCommands
from fitdoctor.trials.executor import PREPARE_S, ProgressCallback, failure
from fitdoctor.trials.priorities import CALLS_S

CALL_ROUNDS = 8
UNCOMPARABLE = "Two of the script's own calls with the same data differ, so a substitute can't be compared with them."


def try_calls(commands: ArmCommands, record: Rehearsal, on_progress: ProgressCallback) -> None:
    """Lets the original call and its substitutes alternate while the script runs.

    Raises:
        ChildEndedError: The process ended, or did not answer in time.
    """
    arms, seconds = record.arms, min(CALLS_S, commands.left_s())
    on_progress(arms[-1].label)
    reply = commands.send(
        TryCalls(arms=[ArmSpec.of(arm) for arm in arms], seconds=seconds, rounds=CALL_ROUNDS),
        [arm for arm in arms if arm.role == "remedy"],
        seconds * 3 + PREPARE_S,
    )
    if isinstance(reply, Failed):
        for arm in arms:
            arm.failed, arm.why = True, failure(reply.error)
        return
    record.windows += reply.windows
    placebos = [arm.id for arm in arms if arm.role == "placebo"]
    unlike = any(reply.checks.get(placebo) == "different" for placebo in placebos)
    for arm in arms:
        found = "" if unlike else reply.checks.get(arm.id, "")
        if unlike and arm.role == "remedy":
            arm.doubt = UNCOMPARABLE
        if record.target == "fit":  # a call of fit changes the model
            arm.weights = found
        else:
            arm.batches = found
        if reply.why and arm.role == "remedy" and not arm.why:
            arm.why = failure(reply.why)
