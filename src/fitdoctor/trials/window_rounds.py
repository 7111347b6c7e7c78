"""Rounds of windows: each round times every arm once, in a random order."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.recording.trial_protocol import ArmSpec, Failed, MeasureWindows
from fitdoctor.trials.arm_commands import ArmCommands
from fitdoctor.trials.executor import WINDOW_TIMEOUT_S, failure

# Rounds that are measured even where the time of a unit is up: fewer can't be compared.
LEAST_ROUNDS = 2


class TrialError(Exception):
    """A unit can't be tried any further. The process lives, and other units can be tried."""


class WindowRounds:
    """Measures rounds, and adds their windows to a record.

    Args:
        commands: To the process of the rehearsal.
        record: Gets the windows.
    """

    def __init__(self, commands: ArmCommands, record: Rehearsal) -> None:
        self._commands, self._record = commands, record
        self._random = random.Random(0)  # noqa: S311 - the order of windows
        self._last_round: dict[str, int] = {}
        self._order = 0

    def measure(self, arms: Sequence[Arm], rounds: int, until_s: float) -> bool:
        """Measures some rounds of the arms of one unit. No round begins that would end after the deadline.

        Args:
            arms: Of one unit.
            rounds: How many.
            until_s: By the clock of the commands, when the time of this unit is up.

        Returns:
            Whether there was time for all rounds.

        Raises:
            TrialError: A window of a reference failed.
        """
        commands, unit, live = self._commands, arms[0].unit, list(arms)
        for _ in range(rounds):
            if commands.clock() >= until_s and self._last_round.get(unit, 0) >= LEAST_ROUNDS:
                return False
            if commands.left_s() <= sum(commands.window_s.get(arm.id, 0.0) for arm in live):
                return False
            failed = self._measure_round(live)
            live = [arm for arm in live if arm is not failed]
        return True

    def _measure_round(self, arms: list[Arm]) -> Arm | None:
        """Measures one round. Returns the arm that failed."""
        commands, unit, began_s = self._commands, arms[0].unit, self._commands.clock()
        number = self._last_round[unit] = self._last_round.get(unit, -1) + 1
        order = list(arms)
        self._random.shuffle(order)
        command = MeasureWindows(arms=[ArmSpec.of(arm) for arm in order])
        reply = commands.send(command, order, WINDOW_TIMEOUT_S * len(order))
        if isinstance(reply, Failed):
            arm = commands.at_turn(order)
            if arm is None or arm.role != "remedy":
                raise TrialError(headline(reply.error))
            arm.failed, arm.why = True, failure(reply.error)
            return arm
        for arm, window in zip(order, reply.windows, strict=True):
            self._record.windows.append(window.recorded(arm.id, round_number=number, order=self._order))
            self._order += 1
        commands.window_s |= dict.fromkeys((arm.id for arm in arms), (commands.clock() - began_s) / len(arms))
        return None
