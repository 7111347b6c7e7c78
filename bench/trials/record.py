"""Records windows of identical arms, and the cost of a step in fresh processes of the same script."""

from __future__ import annotations

import random
import time
from pathlib import Path

from bench.trials.children import STARTUP_S, asked, busy_process, rehearsal
from bench.trials.replay import Series, Sitting
from fitdoctor.process.child import Child
from fitdoctor.recording.model import Arm
from fitdoctor.recording.trial_protocol import ArmSpec, MeasureWindows, Prepare

# Six arms make two trials of three without a shared window. If a round of six takes long, three arms make one trial.
ARMS, LONG_ARMS = 6, 3

# A round of this length takes long. Such kinds get three times the seconds, or there would be too few rounds.
LONG_ROUND_S, LONG_TIMES = 1.0, 3.0

# After so many rounds all arms are prepared again. Identical arms differ by their place in memory, which is fixed for a
# whole diagnosis. A simulated trial never spans two sessions.
SITTING_ROUNDS = 120

DRIFT_ROUNDS, DRIFT_S = 40, 3.0


def record(kind: str, script: Path, busy: bool, seconds: float) -> Series:
    """Records a series of rounds for so many seconds, untimed steps included.

    Every other arm is prepared like the placebo, with a compiled function of its own. The others share the baseline's.
    """
    draw = random.Random(0)
    with busy_process(busy), rehearsal(script) as child:
        child.receive(STARTUP_S)
        long = _sitting(child, draw, LONG_ARMS, 0.0).seconds * ARMS / LONG_ARMS > LONG_ROUND_S
        left_s, sittings = seconds * (LONG_TIMES if long else 1), []
        while left_s > 0:
            sittings.append(_sitting(child, draw, LONG_ARMS if long else ARMS, left_s))
            left_s -= sittings[-1].seconds
        return Series(kind, busy, sittings)


def _sitting(child: Child, draw: random.Random, count: int, seconds: float) -> Sitting:
    """Prepares arms and records at least one round of them."""
    roles = ["baseline", "placebo", *("placebo" if number % 2 else "remedy" for number in range(2, count))]
    arms = [Arm(id=f"step/{number}", role=role, unit="step") for number, role in enumerate(roles)]
    for arm in arms:
        _prepare(child, arm)
    sitting, order = Sitting(), list(arms)
    while not sitting.rounds or len(sitting.rounds) < SITTING_ROUNDS and sitting.seconds < seconds:
        draw.shuffle(order)
        began_s = time.perf_counter()
        reply = asked(child, MeasureWindows(arms=[ArmSpec.of(arm) for arm in order]))
        wall_s = time.perf_counter() - began_s
        windows = {
            arm.id: (window.seconds, window.units, window.queue_s)
            for arm, window in zip(order, reply.windows, strict=True)
        }
        sitting.rounds.append((wall_s, [windows[arm.id] for arm in arms]))
    return sitting


def _prepare(child: Child, arm: Arm) -> None:
    asked(child, Prepare(arm=ArmSpec.of(arm)))


def drift(script: Path, processes: int) -> list[float]:
    """Returns the seconds of an unchanged step in several fresh processes, one after another."""
    return [_unit_s(script) for _ in range(processes)]


def _unit_s(script: Path) -> float:
    arm = Arm(id="step/baseline", role="baseline", unit="step")
    with rehearsal(script) as child:
        child.receive(STARTUP_S)
        _prepare(child, arm)
        began_s, windows = time.monotonic(), []
        while len(windows) < DRIFT_ROUNDS and (time.monotonic() - began_s < DRIFT_S or len(windows) < 3):
            windows += asked(child, MeasureWindows(arms=[ArmSpec.of(arm)])).windows
    return sum(window.seconds for window in windows) / sum(window.units for window in windows)
