"""A child that answers the commands of a rehearsal as it is told to, on a clock that it moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from fitdoctor.process.child import Child, ChildEndedError
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.rehearsal import RehearsalRun
from tests.support import builders as make
from tests.support.clocks import FakeClock

Try = Callable[..., Rehearsal]


def references(unit: str) -> list[Arm]:
    return [
        Arm(id=f"{unit}/baseline", role="baseline", unit=unit),
        Arm(id=f"{unit}/placebo", role="placebo", unit=unit),
    ]


def remedy(name: str, unit: str = "step", *, cause: str = "missing-prefetch", **changed: Any) -> Arm:
    place = {"file": make.SCRIPT, "line": len(name), "position": 0}
    change = {"kind": "insert-call", "place": place, "call": name, "arguments": {}}
    return Arm(
        id=f"{unit}/{name}", role="remedy", unit=unit, remedy=name, cause=cause, label=name, changes=[change], **changed
    )


def ceiling() -> Arm:
    return Arm(id="step/input-free", role="ceiling", unit="step", remedy="input-free")


@dataclass
class FakeChild:
    """Answers as a child does.

    Attributes:
        ratios: The speed of each arm against the baseline's.
        fails: Error messages by command and arm; "ended" ends the child.
        state_changed: What was not restored, by command and arm.
        asked: The commands and their arms, without those about stretches.
        confirming: The commands about stretches.
    """

    clock: FakeClock
    ratios: dict[str, float] = field(default_factory=dict)
    fails: dict[tuple[str, str], str] = field(default_factory=dict)
    verified: dict[str, dict[str, str]] = field(default_factory=dict)
    state_changed: dict[tuple[str, str], str] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    command_s: float = 0.01
    verify_s: float = 0.0
    window_s: float = 0.0
    unit_s: float = 0.02
    first: dict[str, Any] = field(default_factory=lambda: {"reached": True})
    calls: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    confirming: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    inside: dict[str, Any] | None = None
    began_s: float = 0.0
    at: str = ""
    _round: Counter[str] = field(default_factory=Counter)

    def receive(self, timeout_s: float) -> dict[str, Any]:
        self.clock.pass_(7.0)
        return self.first

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert timeout_s > 0
        self.clock.pass_(self.verify_s if command["do"] == "verify" and self.verify_s else self.command_s)
        if command["do"] == "inside":
            if self.inside is None:
                raise ChildEndedError("it was killed by SIGKILL")
            return self.inside
        arms = command.get("arms") or [command["arm"]]
        asked = self.confirming if arms[0]["unit"] == "stretch" else self.asked
        asked.append((command["do"], tuple(arm["id"] for arm in arms)))
        for arm in arms:
            error = self.fails.get((command["do"], arm["id"]))
            if error == "ended":
                self.at = arm["id"] if command["do"] == "windows" else ""
                raise ChildEndedError("it was killed by SIGKILL")
            if error:
                self.at = arm["id"]
                return {"error": error}
            if (command["do"], arm["id"]) in self.state_changed:
                return {"error": self.state_changed[command["do"], arm["id"]], "state_changed": True}
        if command["do"] == "prepare":
            return {"one_off_s": 0.5, "unit_s": self.unit_s, "note": "", "limits": self.limits}
        if command["do"] == "verify":
            return self.verified.get(arms[0]["id"], {"batches": "same", "weights": "same", "why": ""})
        if command["do"] == "calls":
            return self.calls
        self.clock.pass_(self.window_s * len(arms))
        return {"windows": [self._window(arm["id"]) for arm in arms]}

    def _window(self, arm: str) -> dict[str, Any]:
        self._round[arm] += 1
        jitter = 1 + 0.01 * (-1) ** (self._round[arm] + len(arm))
        return {
            "seconds": 0.2 * jitter / self.ratios.get(arm, self.ratios.get(arm.replace("stretch/", "step/"), 1.0)),
            "units": 10,
            "queue_s": 0.0,
        }

    def rounds(self, arm: str) -> int:
        return self._round[arm]

    def done(self, command: str) -> list[str]:
        return [arm for do, arms in self.asked for arm in arms if do == command]


def started(
    child: FakeChild, record: Rehearsal, clock: FakeClock, budget_s: float = 1000.0, **more: Any
) -> RehearsalRun:
    facts = make.facts(make.fit())
    return RehearsalRun(
        cast(Child, child),
        record,
        facts,
        deadline_s=clock() + budget_s,
        on_progress=lambda text: None,
        clock=clock,
        **more,
    )


def verdicts(record: Rehearsal) -> dict[str, str]:
    return {outcome.arm.id: outcome.verdict for outcome in outcomes_of(record)}
