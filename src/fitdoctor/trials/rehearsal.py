"""Drives one rehearsal: which arm is prepared, verified and timed when, and when it has been seen enough."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fitdoctor.causes.registry import all_causes
from fitdoctor.changes.model import edits_input
from fitdoctor.errors import ChildEndedError
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Arm, ModelInspection, Rehearsal, Window
from fitdoctor.trials.executor import (
    FAILED,
    PREPARE_S,
    WINDOW_TIMEOUT_S,
    Executor,
    failure,
    patience_s,
    wait_until_reached,
)
from fitdoctor.trials.model_inspection import LOOK_PATIENCE, UNANSWERED, rows_for, seen_inside
from fitdoctor.trials.outcomes import STRETCH, WHOLE, confirmed_next, outcomes_of
from fitdoctor.trials.plan import combine
from fitdoctor.trials.priorities import CALLS_S
from fitdoctor.trials.race_outcome import RACE
from fitdoctor.trials.statistics import LOOKS, bounds, compare, hopeless

CEILING_LOOKS = (4, 12)
"""Rounds after which a ceiling may rule arms out:

few tell where it gives nothing at all, more where it gives little.
"""
CEILING_SHARE = 0.5
"""Of a unit's time: what a ceiling can't rule out is still to be prepared and timed."""
PRUNE_BELOW = 1.10
"""Where free input gives less than this, no input remedy can give 5 % of the whole run with any certainty."""
PRUNE_CONFIDENCE = 0.8
"""Of the interval that must lie below: an arm that is ruled out is not tried at all."""
SHARE_OF_TIME = {"step": 0.6, "epoch": 0.6, "epoch_end": 0.6, "validation": 0.8}
"""Of the time that is left when a unit's turn comes."""
HANGS = 10
HANGS_S = {"windows": 20.0, "prepare": 30.0, "verify": 30.0}
"""A reply that takes so many times as long as any of its kind before, and at least so many seconds, is not waited for:
the budget is for the other arms."""
GATHERING_S = 60.0
"""The same for an arm that runs the input once and keeps it, which may take most of a minute."""
CALL_ROUNDS = 8
STRETCH_ROUNDS = 4
STRETCH_LEAST_S = 20.0
"""What the stretches of three arms may take, start of their pipelines included."""


class TrialError(Exception):
    """A window failed in the child; the child lives, and other units can still be tried."""


class RehearsalStateError(TrialError):
    """The state of the training is not what it was before an arm, though it was put back."""


Report = Callable[[str], None]
Timed = Callable[[str, float, float], None]


class RehearsalRun:
    """The parent's side of a rehearsal.

    Args:
        child: Started already, or this process where that carries the commands out.
        record: What the windows are added to.
        facts: Of the scout.
        deadline_s: `time.monotonic()` at which the last window must have ended.
        tell: Called with what is being tried.
        keep: Called after each unit, so that what it showed is saved.
        timed: Called with what took how long: its name, `time.monotonic()` at its beginning, its seconds.
    """

    def __init__(
        self,
        child: Executor,
        record: Rehearsal,
        facts: Facts,
        *,
        deadline_s: float,
        tell: Report,
        keep: Callable[[], None] = lambda: None,
        timed: Timed = lambda _name, _began_s, _seconds: None,
    ) -> None:
        self._child, self._record, self._facts, self._deadline_s, self._tell = child, record, facts, deadline_s, tell
        self._keep, self._timed, self.astray = keep, timed, False
        self._random = random.Random(0)  # noqa: S311 - the order of windows
        self._rounds: dict[str, int] = {}
        self._window_s: dict[str, float] = {}
        self._prepare_s: dict[str, float] = {}
        self._order = 0
        self._longest_s: dict[tuple[str, str], float] = {}
        self._done: set[str] = set()
        self._bounded: dict[str, list[Arm]] = {}
        self._blamed: Arm | None = None
        self._looking = False

    def go_on_in(self, child: Executor) -> None:
        """Another child takes the place of one that ended:

        `try_fit` goes on there, without the arm that was at its turn then.
        """
        self._child, self._blamed, self._looking = child, None, False
        self._bounded.clear()
        self._record.restarts += 1

    @property
    def can_go_on(self) -> bool:
        """Whether the child ended over something that others can be tried without:

        an arm, or the look inside the model.
        """
        blamed = self._blamed
        spared = self._looking or blamed is not None and blamed.role not in ("baseline", "placebo")
        return spared and any(map(self._is_open, self._record.arms))

    def leave(self, why: str) -> None:
        """There is no child any more: says so of the arms that were not tried yet."""
        for arm in filter(self._is_open, self._record.arms):
            if not arm.why and not any(window.arm == arm.id for window in self._record.windows):
                arm.why = failure(why)

    def _is_open(self, arm: Arm) -> bool:
        """Whether an arm's trial is still to come, or to go on."""
        if arm.role != "remedy" or arm.unit in self._done or arm.failed or arm.dropped:
            return False
        return not any(
            outcome.arm is arm and outcome.verdict != "inconclusive" for outcome in outcomes_of(self._record)
        )

    def wait_for_target(self, timeout_s: float) -> None:
        """Waits until the script has come to the unit in question.

        Raises:
            ChildEndedError: It did not come there.
        """
        wait_until_reached(self._child, timeout_s)
        self._record.startup_s = time.monotonic() - self._child.began_s
        self._timed("start-up", self._child.began_s, self._record.startup_s)

    def look_inside(self, seconds: float) -> None:
        """Has one batch taken through the model, before anything is tried there. What can't be seen is left out, and
        said.

        Raises:
            ChildEndedError: The child did not live through it. Another one goes on without.
        """
        if self._record.inside is not None:
            return
        rows, why = rows_for(
            self._facts.fits[self._record.index], str(self._facts.scout.environment.get("backend", "")), seconds
        )
        if not rows:
            self._record.inside = ModelInspection(missing=why)
            return
        self._record.inside, self._looking = ModelInspection(missing=UNANSWERED), True
        reply = self._ask({"do": "inside", "rows": rows, "seconds": seconds}, [], LOOK_PATIENCE * seconds)
        self._looking = False
        self._record.inside = seen_inside(reply)

    def left_s(self) -> float:
        return self._deadline_s - time.monotonic()

    def _ask(self, command: dict[str, Any], arms: list[Arm], longest_s: float) -> dict[str, Any]:
        """Has a command about some arms carried out.

        Where the child does not live through it, the arm at its turn is to blame.
        """
        kind, began_s = command["do"], time.monotonic()
        known_s = self._expected_s(kind, arms)
        if known_s:
            gathers = kind != "windows" and any(edits_input(change) for arm in arms for change in arm.changes)
            longest_s = min(longest_s, max(GATHERING_S if gathers else HANGS_S[kind], HANGS * known_s))
        try:
            reply = self._child.ask(command, patience_s(longest_s, self.left_s()))
        except ChildEndedError as error:
            at = self._at_turn(arms)
            if at is not None and self.left_s() > 0:
                self._blamed, at.failed, at.why = at, True, failure(str(error))
            raise
        took_s = time.monotonic() - began_s
        key = kind, arms[0].unit if arms else ""
        self._longest_s[key] = max(self._longest_s.get(key, 0.0), took_s)
        self._timed(kind, began_s, took_s)
        self._record.limits += [sentence for sentence in reply.get("limits", []) if sentence not in self._record.limits]
        if reply.get("astray"):
            raise RehearsalStateError(reply["error"])
        return reply

    def _expected_s(self, kind: str, arms: Sequence[Arm]) -> float:
        """What a command about arms of one unit has taken before; 0 where nothing like it was done yet."""
        if kind == "windows":
            return sum(self._window_s.get(arm.id, 0.0) for arm in arms)
        # What compares an arm with the baseline builds both: that takes about as long as to prepare them.
        unit = arms[0].unit if arms else ""
        return self._longest_s.get(
            (kind, unit), self._longest_s.get(("prepare", unit), 0.0) if kind == "verify" else 0.0
        )

    def _at_turn(self, arms: Sequence[Arm]) -> Arm | None:
        """The arm that the child was at last."""
        return next((arm for arm in arms if arm.id == self._child.at), arms[0] if len(arms) == 1 else None)

    def _epoch_steps(self) -> int | None:
        """Steps of an epoch as the scout counted them: a child on its way to a fit cuts it too short to count."""
        fit = self._facts.fits[self._record.index]
        return fit.steps_per_epoch if fit.steps_known else None

    # loops

    def try_calls(self) -> None:
        """Lets the original call and its substitutes alternate as the script goes on."""
        arms = self._record.arms
        seconds = min(CALLS_S, self.left_s())
        self._tell(arms[-1].label)
        reply = self._ask(
            {"do": "calls", "arms": [_plain(arm) for arm in arms], "seconds": seconds, "rounds": CALL_ROUNDS},
            [arm for arm in arms if arm.role == "remedy"],
            seconds * 3 + PREPARE_S,
        )
        self._record.windows += [Window(**window) for window in reply.get("windows", [])]
        checks = reply.get("checks", {})
        unlike = any(checks.get(arm.id) == "different" for arm in arms if arm.role == "placebo")
        for arm in arms:
            found = "" if unlike else checks.get(arm.id, "")
            if unlike and arm.role == "remedy":
                arm.doubt = "Two of the script's own calls with the same data differ, so a substitute can't be held against them."
            if self._record.target == "fit":  # what a call of fit changes is the model
                arm.weights = found
            else:
                arm.batches = found
            if reply.get("why") and arm.role == "remedy" and not arm.why:
                arm.why = failure(reply["why"])

    # fits

    def try_fit(self) -> None:
        """Tries every arm of a fit, unit by unit; races are run apart, see `trials.race`."""
        units = list(dict.fromkeys(arm.unit for arm in self._record.arms if arm.unit not in (RACE, STRETCH, WHOLE)))
        for unit in [*(unit for unit in units[1:] if self._has_ceiling(unit)), *units]:
            if self.left_s() <= 0:
                break
            if unit in self._done:
                continue
            first = unit not in self._bounded and unit != units[0] and self._has_ceiling(unit)
            try:
                until_s = time.monotonic() + self.left_s() * SHARE_OF_TIME.get(unit, 1.0)
                if first:  # what a ceiling rules out must not take the time of what it does not
                    self._bounded[unit] = self._references(unit, until_s)
                    continue
                self._try_unit(unit, until_s)
            except RehearsalStateError as error:
                self._leave_in_doubt(str(error))
                break
            except TrialError as error:
                self._record.limits.append(f"The trials of the {unit.replace('_', ' ')} ended early: {error}.")
                self._leave_untried(unit, error)
            self._done.add(unit)
            self._keep()

    def _leave_in_doubt(self, what: str) -> None:
        """Nothing follows from the arms of this unit and of those to come:

        they may not have begun where the baseline did.
        """
        self.astray = True
        said = f"{what} was not as before, though it had been put back between arms"
        self._record.limits.append(
            f"Some trials were given up: {said}. What they showed until then counts for nothing."
        )
        for arm in self._record.arms:
            if arm.unit not in self._done:
                arm.doubt = f"Not concluded: {said}."

    def _leave_untried(self, unit: str, error: TrialError) -> None:
        """Arms whose turn had not come: it was not for lack of time."""
        timed = {window.arm for window in self._record.windows}
        for arm in self._record.arms:
            if arm.unit == unit and arm.id not in timed and not arm.why:
                arm.failed, arm.why = True, failure(str(error))

    def _try_unit(self, unit: str, until_s: float) -> None:
        arms = [arm for arm in self._record.arms if arm.unit == unit]
        live = self._bounded[unit] if unit in self._bounded else self._references(unit, until_s)
        remedies = [arm for arm in arms if self._is_open(arm) and self._ready(arm, until_s)]
        self._until_decided(unit, live, remedies, until_s)
        if unit == "step":
            self._together(live)
            self._confirm()

    def _has_ceiling(self, unit: str) -> bool:
        return any(arm.unit == unit and arm.role == "ceiling" and not self._is_seen(arm) for arm in self._record.arms)

    def _references(self, unit: str, until_s: float) -> list[Arm]:
        """Makes the baseline and the placebo of a unit, and has its ceiling rule out what it can."""
        arms = [arm for arm in self._record.arms if arm.unit == unit]
        references = [arm for arm in arms if arm.role in ("baseline", "placebo", "ceiling")]
        for arm in references:
            if arm.role != "ceiling" and not self._prepare(arm):
                raise TrialError(f"as it is, it can't be repeated ({arm.why.removeprefix(FAILED).rstrip('.')})")
        ceilings = [
            arm for arm in references if arm.role == "ceiling" and not self._is_seen(arm) and self._prepare(arm)
        ]
        live = [arm for arm in references if arm.role in ("baseline", "placebo") or arm in ceilings]
        until_s -= (until_s - time.monotonic()) * (1 - CEILING_SHARE)
        for number, look in enumerate(CEILING_LOOKS if ceilings else ()):
            self._rounds_of(live, look - (CEILING_LOOKS[number - 1] if number else 0), until_s)
            if self._prune(arms, ceilings[0]):
                break
        return live

    def _is_seen(self, arm: Arm) -> bool:
        """Whether a ceiling failed, or was timed for long enough, before the child ended."""
        return arm.failed or sum(1 for window in self._record.windows if window.arm == arm.id) >= LOOKS[0]

    def _together(self, references: list[Arm]) -> None:
        if any(arm.role == "prescription" for arm in self._record.arms):
            return
        arm = combine(self._facts, self._record)
        if arm is not None and self.left_s() > 0:
            self._record.arms.append(arm)
            if self._ready(arm, self._deadline_s):
                self._until_decided("step", references, [arm], self._deadline_s)

    def _confirm(self) -> None:
        """Holds the best arm of a step against the baseline once more, in continuous stretches:

        short windows flatter.
        """
        best = confirmed_next(self._record)
        if best is None or self.left_s() < STRETCH_LEAST_S or any(arm.unit == STRETCH for arm in self._record.arms):
            return
        baseline = Arm(id="stretch/baseline", role="baseline", unit="stretch", label="as it is")
        placebo = replace(baseline, id="stretch/placebo", role="placebo", label="as it is, again")
        arm = replace(
            best,
            id=f"stretch/{best.id.removeprefix('step/')}",
            unit="stretch",
            role="prescription",
            one_off_s=0.0,
            why="",
        )
        arms = [baseline, placebo, arm]
        self._record.arms += arms
        if all(self._prepare(each) for each in arms):
            self._tell(f"{best.label}, in longer stretches")
            self._rounds_of(arms, STRETCH_ROUNDS, self._deadline_s)

    def _ready(self, arm: Arm, until_s: float) -> bool:
        if time.monotonic() > until_s or self.left_s() < self._prepare_s.get(arm.unit, 0.0):
            arm.why = "The budget was used up before it was tried."
            return False
        began_s = time.monotonic()
        self._tell(arm.label)
        reply = self._ask({"do": "verify", "arm": _plain(arm)}, [arm], PREPARE_S)
        if "error" in reply:
            arm.failed, arm.why = True, failure(reply["error"])
            return False
        arm.batches, arm.weights, arm.why = reply.get("batches", ""), reply.get("weights", ""), reply.get("why", "")
        if arm.safety == "exact" and "different" in (arm.batches, arm.weights):
            return False
        prepared = self._prepare(arm)
        self._prepare_s[arm.unit] = max(self._prepare_s.get(arm.unit, 0.0), time.monotonic() - began_s)
        return prepared

    def _prepare(self, arm: Arm) -> bool:
        began_s = time.monotonic()
        reply = self._ask(
            {"do": "prepare", "arm": {**_plain(arm), "epoch_steps": self._epoch_steps()}}, [arm], PREPARE_S
        )
        if "error" in reply:
            arm.failed, arm.why = True, failure(reply["error"])
            return False
        self._prepare_s[arm.unit] = max(self._prepare_s.get(arm.unit, 0.0), time.monotonic() - began_s)
        self._window_s[arm.id] = reply.get("unit_s", 0.0)
        arm.one_off_s = reply["one_off_s"]
        arm.why = reply.get("note") or arm.why
        arm.note = reply.get("sentence", "")
        return True

    def _prune(self, arms: list[Arm], ceiling: Arm) -> bool:
        """Drops what a ceiling rules out; False where it can't be told yet whether it does."""
        found = compare(self._record.windows, ceiling.id, ["step/baseline", "step/placebo"])
        if found.n < 2 or found.mid >= PRUNE_BELOW:
            return found.n >= 2
        if bounds(found, PRUNE_CONFIDENCE).high >= PRUNE_BELOW:
            return False
        inputs = {cause.id for cause in all_causes().values() if cause.family == "input"}
        for arm in arms:
            if arm.role == "remedy" and arm.cause in inputs:
                arm.dropped = True
                arm.why = f"Not tried: input for free would make a step only {found.mid:.2f}× as fast."
        return True

    def _until_decided(self, unit: str, references: list[Arm], remedies: list[Arm], until_s: float) -> None:
        if not remedies and not any(arm.role == "ceiling" for arm in references):
            return
        live, done, bounded = list(remedies), 0, any(arm.role == "ceiling" for arm in references)
        for look in LOOKS:
            # To prepare the arms may have taken this unit's share of the time: without a first look, that was for
            # nothing.
            end_s = self._deadline_s if look == LOOKS[0] and remedies else until_s
            while done < look and (live or bounded and not remedies) and time.monotonic() < end_s:
                self._tell(live[done % len(live)].label if live else "how far identical arms differ")
                if not self._rounds_of([*references, *live], 1, end_s):
                    return
                done += 1
                for arm in [arm for arm in live if hopeless(self._compared(unit, arm))]:
                    arm.dropped = True
                live = [arm for arm in live if not arm.dropped and not arm.failed]
            verdicts = {outcome.arm.id: outcome.verdict for outcome in outcomes_of(self._record)}
            live = [arm for arm in live if verdicts.get(arm.id) != "refuted"]
            if all(verdicts.get(arm.id) == "measured" for arm in live) and (look > LOOKS[0] or not live):
                break

    def _compared(self, unit: str, arm: Arm) -> Any:
        return compare(self._record.windows, arm.id, [f"{unit}/baseline", f"{unit}/placebo"])

    def _rounds_of(self, arms: list[Arm], rounds: int, until_s: float) -> bool:
        """Times each arm in turns; False where there was no time for all rounds.

        None begins that would go on past the deadline.
        """
        unit = arms[0].unit
        for _ in range(rounds):
            if time.monotonic() >= until_s and self._rounds.get(unit, 0) >= 2:
                return False
            if self.left_s() <= sum(self._window_s.get(arm.id, 0.0) for arm in arms):
                return False
            began_s = time.monotonic()
            number = self._rounds[unit] = self._rounds.get(unit, -1) + 1
            order = list(arms)
            self._random.shuffle(order)
            reply = self._ask(
                {"do": "windows", "arms": [_plain(arm) for arm in order]}, order, WINDOW_TIMEOUT_S * len(order)
            )
            if "error" in reply:
                at = self._at_turn(order)
                if at is None or at.role != "remedy":
                    raise TrialError(headline(reply["error"]))
                at.failed, at.why = True, failure(reply["error"])
                arms = [arm for arm in arms if arm is not at]
                continue
            for arm, window in zip(order, reply["windows"], strict=True):
                self._record.windows.append(Window(arm=arm.id, round=number, order=self._order, **window))
                self._order += 1
            self._window_s |= dict.fromkeys((arm.id for arm in arms), (time.monotonic() - began_s) / len(arms))
        return True


def _plain(arm: Arm) -> dict[str, Any]:
    return {"id": arm.id, "role": arm.role, "unit": arm.unit, "remedy": arm.remedy, "changes": arm.changes}
