"""Commands about the arms of a rehearsal, each with a time limit that its predecessors set."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from fitdoctor.changes.model import edits_input
from fitdoctor.errors import ChildEndedError
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.recording.trial_protocol import Command, Failed, MeasureWindows, Prepare, Prepared, Verify
from fitdoctor.trials.executor import Executor, carry_out, failure, patience_s

R = TypeVar("R")

# Called with what took how long: its name, `time.monotonic()` at its beginning, its seconds.
StageCallback = Callable[[str, float, float], None]

# A reply that takes so many times as long as any of its kind before, and at least so many seconds, is a hang: the
# budget is for the other arms.
HANGS = 10
HANGS_S = {MeasureWindows.do: 20.0, Prepare.do: 30.0, Verify.do: 30.0}
# The same for an arm that runs the input once and keeps it, which may take most of a minute.
KEEPING_INPUT_S = 60.0


class StateChangedInTrialError(Exception):
    """The state of the training differs from before an arm, though it was restored. The message names what differs."""


class ArmCommands:
    """Sends commands to the process of a rehearsal.

    Args:
        executor: The process, at the unit that is tried.
        record: Of the rehearsal. Its limits grow by what the process reports.
        deadline_s: By `clock`, when the last command must have ended.
        on_stage: Called after each command.
        clock: Seconds.

    Attributes:
        window_s: What a window of an arm takes, by its id.
        blamed: The arm over which the process ended.
    """

    def __init__(
        self,
        executor: Executor,
        record: Rehearsal,
        *,
        deadline_s: float,
        on_stage: StageCallback,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.executor, self.deadline_s, self.clock = executor, deadline_s, clock
        self._record, self._on_stage = record, on_stage
        self.window_s: dict[str, float] = {}
        self.blamed: Arm | None = None
        self._longest_s: dict[tuple[str, str], float] = {}

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline_s - self.clock()

    def continue_in(self, executor: Executor) -> None:
        """Sends the next commands to another process."""
        self.executor, self.blamed = executor, None

    def send(self, command: Command[R], arms: Sequence[Arm], longest_s: float) -> R | Failed:
        """Has a command about some arms carried out.

        Args:
            command: What to do.
            arms: Of one unit. Where the process ends, the arm at its turn is blamed.
            longest_s: The longest to wait. A command of a known kind has less.

        Raises:
            ChildEndedError: The process ended, or did not answer in time.
            StateChangedInTrialError: The state of the training could not be restored.
        """
        began_s = self.clock()
        try:
            reply = carry_out(
                self.executor, command, patience_s(self._limit_s(command, arms, longest_s), self.left_s())
            )
        except ChildEndedError as error:
            arm = self.at_turn(arms)
            if arm is not None and self.left_s() > 0:
                self.blamed, arm.failed, arm.why = arm, True, failure(str(error))
            raise
        took_s = self.clock() - began_s
        key = command.do, arms[0].unit if arms else ""
        self._longest_s[key] = max(self._longest_s.get(key, 0.0), took_s)
        self._on_stage(command.do, began_s, took_s)
        if isinstance(reply, Prepared):
            self._record.limits += [sentence for sentence in reply.limits if sentence not in self._record.limits]
        if isinstance(reply, Failed) and reply.state_changed:
            raise StateChangedInTrialError(reply.error)
        return reply

    def at_turn(self, arms: Sequence[Arm]) -> Arm | None:
        """The arm that the process timed last, or the only one."""
        return next((arm for arm in arms if arm.id == self.executor.at), arms[0] if len(arms) == 1 else None)

    def _limit_s(self, command: Command[R], arms: Sequence[Arm], longest_s: float) -> float:
        known_s = self._expected_s(command, arms)
        if not known_s:
            return longest_s
        keeps_input = command.do != MeasureWindows.do and any(
            edits_input(change) for arm in arms for change in arm.changes
        )
        return min(longest_s, max(KEEPING_INPUT_S if keeps_input else HANGS_S[command.do], HANGS * known_s))

    def _expected_s(self, command: Command[R], arms: Sequence[Arm]) -> float:
        """What such a command about arms of one unit has taken before; 0 where there was none."""
        if command.do == MeasureWindows.do:
            return sum(self.window_s.get(arm.id, 0.0) for arm in arms)
        unit = arms[0].unit if arms else ""
        # A verification builds the arm and the baseline, which takes about as long as a preparation.
        prepare_s = self._longest_s.get((Prepare.do, unit), 0.0) if command.do == Verify.do else 0.0
        return self._longest_s.get((command.do, unit), prepare_s)
