"""Runs whole rehearsals whose remedies change nothing, or remove a delay that was added on purpose."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bench.trials.children import STARTUP_S, asked, rehearsal
from fitdoctor.facts.facts import Facts
from fitdoctor.process.child import Child
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.recording.trial_protocol import ArmSpec, MeasureWindows, Prepare
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.rehearsal import RehearsalRun

# Remedies that change nothing. Each gets an input of its own, made again from the script's.
PLACEBOS = ("nothing", "same argument", "function traced anew")


class _Retracing:
    """A child that prepares the arms of the third placebo with a compiled function of their own."""

    def __init__(self, child: Child) -> None:
        self._child, self.began_s = child, child.began_s

    @property
    def at(self) -> str:
        return self._child.at

    def receive(self, timeout_s: float) -> dict[str, Any]:
        return self._child.receive(timeout_s)

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        anew = command["do"] == "prepare" and command["arm"]["remedy"].startswith(PLACEBOS[2])
        return self._child.ask(
            {**command, "arm": {**command["arm"], "role": "placebo"}} if anew else command, timeout_s
        )


def placebo_trials(kind: str, script: Path, rehearsals: int, trial_s: float) -> list[dict[str, Any]]:
    """Runs rehearsals in one process, each with its own baseline and three remedies that change nothing."""
    found = []
    with rehearsal(script) as child:
        child.receive(STARTUP_S)
        for number in range(rehearsals):
            remedies = [_placebo(script, name) for name in PLACEBOS]
            found += [{"kind": kind, "rehearsal": number, **row} for row in _tried(child, remedies, trial_s)]
    return found


def delay_trials(kind: str, script: Path, slowdowns: list[float], repeats: int, trial_s: float) -> list[dict[str, Any]]:
    """Runs trials of a remedy that removes a busy wait, of a known share of a step, from a callback."""
    with rehearsal(script) as child:
        child.receive(STARTUP_S)
        unit_s = _plain_step_s(child)
    found = []
    for slowdown in slowdowns:
        with rehearsal(script, f"{1000 * unit_s * slowdown:.6f}") as child:
            child.receive(STARTUP_S)
            for _ in range(repeats):
                remedy = Arm(
                    id="step/no-delay",
                    role="remedy",
                    unit="step",
                    remedy="no-delay",
                    label="no delay",
                    changes=[_set_delay(script)],
                )
                (row,) = _tried(child, [remedy], trial_s)
                found.append({"kind": kind, "slowdown": slowdown, "plain_step_s": unit_s, **row})
    return found


def _tried(child: Child, remedies: list[Arm], trial_s: float) -> list[dict[str, Any]]:
    arms = [
        Arm(id="step/baseline", role="baseline", unit="step"),
        Arm(id="step/placebo", role="placebo", unit="step"),
        *remedies,
    ]
    record = Rehearsal(target="fit", index=0, arms=arms)
    facts = cast(Facts, SimpleNamespace(fits=[SimpleNamespace(steps_known=False)]))
    began_s = time.monotonic()
    RehearsalRun(
        _Retracing(child), record, facts, deadline_s=began_s + trial_s, on_progress=[].append
    ).try_fit()  # fmt: skip
    seconds = time.monotonic() - began_s
    return [_row(record, outcome, seconds) for outcome in outcomes_of(record) if outcome.arm.role == "remedy"]


def _row(record: Rehearsal, outcome: Any, seconds: float) -> dict[str, Any]:
    ratio = outcome.comparison.ratio
    delays = [w.seconds / w.units for w in record.windows if w.arm == outcome.arm.id]
    return {
        "remedy": outcome.arm.remedy,
        "verdict": outcome.verdict,
        "why": outcome.why,
        "ratio": [ratio.low, ratio.mid, ratio.high] if ratio else None,
        "rounds": outcome.windows,
        "treated_step_s": sum(delays) / len(delays) if delays else None,
        "seconds": round(seconds, 2),
    }


def _placebo(script: Path, name: str) -> Arm:
    changes = [_set_delay(script)] if name == PLACEBOS[1] else []
    return Arm(id=f"step/{name}", role="remedy", unit="step", remedy=name, label=name, changes=changes)


def _set_delay(script: Path) -> dict[str, Any]:
    """Sets the delay of the callback to zero. It is already zero if the script got no delay."""
    place = {"file": str(script), "line": 1, "position": -1}
    return {"kind": "set-argument", "place": place, "call": "Delay", "argument": "seconds", "value": 0.0, "index": 0}


def _plain_step_s(child: Child) -> float:
    arm = ArmSpec(id="step/baseline", role="baseline", unit="step")
    asked(child, Prepare(arm=arm))
    windows = [window for _ in range(20) for window in asked(child, MeasureWindows(arms=[arm])).windows]
    return sum(window.seconds for window in windows) / sum(window.units for window in windows)
