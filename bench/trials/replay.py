"""Replays the decision rule over recorded windows of identical arms.

The rule is not copied: the rehearsal's own driver (`trials/rehearsal.py`) asks for windows, and gets recorded ones
instead of new ones, on a clock that the recording moves. So the decision rounds, the arms that are dropped early, the
gates and the corrections are those of a diagnosis.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import inf
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.trials import rehearsal
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.rehearsal import SHARE_OF_TIME, RehearsalRun
from fitdoctor.trials.statistics import DECISION_ROUNDS

# The baseline, the placebo and one remedy. With only one remedy, the correction for several remedies does not help.
ARMS_OF_A_TRIAL = 3


@dataclass
class Sitting:
    """A session: rounds of arms that were prepared once.

    Each round holds its seconds, untimed steps included, and a window for each arm: seconds, units, and the seconds of
    waiting for a core.
    """

    rounds: list[tuple[float, list[tuple[float, int, float]]]] = field(default_factory=list)

    @property
    def arms(self) -> int:
        return len(self.rounds[0][1]) if self.rounds else 0

    @property
    def seconds(self) -> float:
        return sum(wall_s for wall_s, _ in self.rounds)


@dataclass
class Series:
    """All sessions of one kind of script, with or without another busy process next to it."""

    kind: str
    busy: bool
    sittings: list[Sitting]

    @staticmethod
    def from_data(data: dict[str, Any]) -> Series:
        sittings = [
            Sitting([(wall_s, [tuple(window) for window in windows]) for wall_s, windows in each])
            for each in data["sittings"]
        ]
        return Series(data["kind"], data["busy"], sittings)

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind, "busy": self.busy, "sittings": [sitting.rounds for sitting in self.sittings]}


@dataclass(frozen=True)
class Stretch:
    """The start of a simulated trial, and the recorded arms that serve as baseline, placebo and remedies."""

    sitting: Sitting
    first: int
    roles: tuple[int, ...]


@dataclass(frozen=True)
class Decision:
    """The decision on one remedy after `rounds` rounds and `trial_s` seconds."""

    verdict: str
    low: float
    mid: float
    high: float
    rounds: int
    trial_s: float

    @property
    def has_interval(self) -> bool:
        """Whether there were enough rounds for an interval."""
        return self.high < inf

    def covers(self, truth: float) -> bool:
        return self.low <= truth <= self.high


class _Recorded:
    """Replaces a child, and replies with recorded windows.

    The references are identical arms, made slower by `slowdown`.
    """

    began_s, at = 0.0, ""

    def __init__(self, stretch: Stretch, slowdown: float) -> None:
        self._stretch, self._slowdown = stretch, slowdown
        self._next = stretch.first
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def receive(self, timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        return {"reached": True}

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        if command["do"] == "verify":
            return {"batches": "same", "weights": "same", "why": ""}
        if command["do"] == "prepare":
            recorded = command["arm"]["unit"] == "step"
            return {"one_off_s": 0.0, "unit_s": 0.0} if recorded else {"error": "nothing of this unit was recorded"}
        if self._next == len(self._stretch.sitting.rounds):
            return {"error": "the recording ends here"}
        wall_s, windows = self._stretch.sitting.rounds[self._next]
        self._next += 1
        taken = [self._window(arm, windows) for arm in command["arms"]]
        # The untimed steps of a slower arm are slower too, so the whole round becomes longer.
        self.now_s += wall_s * len(taken) / len(windows) * (1 + self._slowdown)
        return {"windows": taken}

    def _window(self, arm: dict[str, Any], windows: list[tuple[float, int, float]]) -> dict[str, Any]:
        position = 0 if arm["role"] == "baseline" else 1 if arm["role"] == "placebo" else 2 + int(arm["remedy"])
        seconds, units, queue_s = windows[self._stretch.roles[position]]
        factor = 1.0 if arm["role"] == "remedy" else 1 + self._slowdown
        return {"seconds": seconds * factor, "units": units, "queue_s": queue_s * factor}


def decide(stretch: Stretch, *, trial_s: float, slowdown: float = 0.0) -> list[Decision]:
    """Simulates a trial that begins with the stretch's first round, and returns the decision on each remedy.

    Args:
        stretch: The start, and the role of each arm.
        trial_s: The longest time of the windows of all arms, untimed steps included.
        slowdown: How much slower the references are. 0.1 simulates a remedy that makes a step 1.1 times as fast.
    """
    remedies = range(len(stretch.roles) - 2)
    arms = [Arm(id="step/baseline", role="baseline", unit="step"), Arm(id="step/placebo", role="placebo", unit="step")]
    arms += [
        Arm(id=f"step/{number}", role="remedy", unit="step", remedy=str(number), label="the same")
        for number in remedies
    ]
    record = Rehearsal(target="fit", index=0, arms=arms)
    child = _Recorded(stretch, slowdown)
    facts = cast(Facts, SimpleNamespace(fits=[SimpleNamespace(steps_known=False)]))
    deadline_s = trial_s / SHARE_OF_TIME["step"]
    run = RehearsalRun(child, record, facts, deadline_s=deadline_s, on_progress=[].append, clock=child.clock)
    with mock.patch.object(rehearsal, "combine", return_value=None):  # two identical arms can't be combined
        run.try_fit()
    return [
        Decision(
            verdict=outcome.verdict,
            low=outcome.comparison.ratio.low if outcome.comparison.ratio else 0.0,
            mid=outcome.comparison.mid,
            high=outcome.comparison.ratio.high if outcome.comparison.ratio else inf,
            rounds=outcome.windows,
            trial_s=child.now_s,
        )
        for outcome in outcomes_of(record)
        if outcome.arm.role == "remedy"
    ]


def random_stretches(series: Series, count: int, arms: int, trial_s: float, seed: int) -> list[Stretch]:
    """Returns simulated trials that begin anywhere in a series and may overlap, with random labels for the arms."""
    draw = random.Random(seed)
    starts = [(sitting, first) for sitting in series.sittings for first in _starts(sitting, arms, trial_s)]
    if not starts:
        return []
    chosen = [draw.choice(starts) for _ in range(count)]
    return [Stretch(sitting, first, tuple(draw.sample(range(sitting.arms), arms))) for sitting, first in chosen]


def disjoint_decisions(series: Series, *, trial_s: float, slowdown: float = 0.0, seed: int = 0) -> list[list[Decision]]:
    """Returns the decisions of independent trials: in each session, a trial begins where the last one ended.

    The arms are divided at random into trials of a baseline, a placebo and a remedy each.
    """
    draw, found = random.Random(seed), []
    for sitting in series.sittings:
        decisions: list[Decision] = []
        shuffled = draw.sample(range(sitting.arms), sitting.arms)
        for at in range(0, sitting.arms - ARMS_OF_A_TRIAL + 1, ARMS_OF_A_TRIAL):
            roles, first = tuple(shuffled[at : at + ARMS_OF_A_TRIAL]), 0
            whole = set(_starts(sitting, ARMS_OF_A_TRIAL, trial_s))
            while first in whole:
                (decision,) = decide(Stretch(sitting, first, roles), trial_s=trial_s, slowdown=slowdown)
                decisions.append(decision)
                first += max(1, decision.rounds)
        found.append(decisions)
    return found


def _starts(sitting: Sitting, arms: int, trial_s: float) -> list[int]:
    """Returns the rounds with enough recorded after them for a whole trial: all decision rounds, or all of its time."""
    starts, left_s = [], 0.0
    for first in reversed(range(len(sitting.rounds))):
        left_s += sitting.rounds[first][0] * arms / sitting.arms
        if sitting.arms >= arms and (len(sitting.rounds) - first >= DECISION_ROUNDS[-1] or left_s >= trial_s):
            starts.append(first)
    return starts[::-1]
