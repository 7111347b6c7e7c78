"""Measures the prescription as a whole against the script as it is, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.recording.trial_protocol import ArmSpec, Failed, MeasureWindows, Prepare
from fitdoctor.report.model import Prescription
from fitdoctor.trial_units import Unit
from fitdoctor.trials.executor import (
    PREPARE_S,
    WINDOW_TIMEOUT_S,
    Executor,
    ProgressCallback,
    carry_out,
    failure,
    patience_s,
    wait_until_reached,
)
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.plan import RehearsalPlan

# Beside the start-up: two arms, the start of their pipelines, and some pairs of windows.
LEAST_S = 15.0
MOST_S = 20.0
# Share of the whole budget that a start-up may take to be worth a measurement in a fresh process.
STARTUP_SHARE = 0.25
# An epoch up to this long is repeated as a whole. Of a longer one, a stretch of steps stands for all.
EPOCH_S = 2.5
MOST_ROUNDS = 10
OF_FIT = (Unit.STEP, Unit.EPOCH, Unit.EPOCH_END, Unit.VALIDATION)


def plan_whole(facts: Facts, outcomes: Iterable[Outcome], prescription: Prescription | None) -> RehearsalPlan | None:
    """The rehearsal that measures a prescription at the fit where it saves most, or None where that is not possible.

    Example:
        >>> [arm.id for arm in plan_whole(facts, outcomes, prescription).arms]
        ['whole/baseline', 'whole/prescription']
    """
    if prescription is None:
        return None
    chosen = _chosen(facts, outcomes, prescription)
    if not chosen:
        return None
    first = chosen[0]
    fit = facts.fits[first.index]
    own = [outcome for outcome in chosen if outcome.index == first.index]
    changes = [change for outcome in own for change in outcome.arm.changes]
    if not fit.steps_known or any(_continues_input(change) for change in changes):
        return None
    parts = _parts(fit, own)
    baseline = Arm(id=f"{Unit.WHOLE}/baseline", role="baseline", unit=Unit.WHOLE, label="as it is", parts=parts)
    arm = replace(
        baseline,
        id=f"{Unit.WHOLE}/prescription",
        role="prescription",
        remedy=" + ".join(outcome.arm.remedy for outcome in own),
        cause=first.arm.cause,
        label=" + ".join(outcome.arm.label for outcome in own),
        safety=prescription.safety,
        changes=changes,
        one_off_s=sum(outcome.one_off_s for outcome in own),
    )
    return RehearsalPlan(target="fit", index=first.index, arms=(baseline, arm), expected_saving_s=0.0)


def _chosen(facts: Facts, outcomes: Iterable[Outcome], prescription: Prescription) -> list[Outcome]:
    """The outcomes inside fits on which a prescription rests, in its order."""
    helped = [
        outcome for outcome in outcomes if outcome.helps and outcome.target == "fit" and outcome.arm.unit in OF_FIT
    ]
    found = []
    for treatment in prescription.treatments:
        for outcome in helped:
            site = facts.fits[outcome.index].record.site
            if (site.file, site.line) == (treatment.file, treatment.line) and tuple(
                outcome.arm.changes
            ) == treatment.changes:
                found.append(outcome)
                break
    return found


def _parts(fit: FitFacts, own: Iterable[Outcome]) -> list[str]:
    """The parts of an epoch that are timed: the steps, and what else the prescription treats."""
    units = {outcome.arm.unit for outcome in own}
    short = fit.step_s * (fit.steps_per_epoch or 0) <= EPOCH_S
    return [
        "step",
        *(["start"] if short or "epoch" in units else []),
        *(unit for unit in ("epoch_end", "validation") if unit in units),
    ]


def _continues_input(change: dict[str, Any]) -> bool:
    """Whether an epoch continues the input of the last one, which no epoch from a fresh iterator shows."""
    return change["kind"] == "insert-call" and change.get("call") == "repeat"


class WholeTrial:
    """Times epochs of both arms in the order ABBA.

    Args:
        child: The process, on its way to the fit.
        record: With the two arms.
        facts: Of the scout.
        deadline_s: `time.monotonic()` at which the last window must have ended.
        on_progress: Called with what is being tried.
    """

    def __init__(
        self, child: Executor, record: Rehearsal, facts: Facts, *, deadline_s: float, on_progress: ProgressCallback
    ) -> None:
        self._child, self._record, self._deadline_s, self._on_progress = child, record, deadline_s, on_progress
        self._epoch_steps = facts.fits[record.index].steps_per_epoch

    def run(self) -> None:
        """Fills the record.

        Raises:
            ChildEndedError: The child ended, or did not answer in time.
        """
        wait_until_reached(self._child, self._patience_s(PREPARE_S))
        self._record.startup_s = time.monotonic() - self._child.began_s
        self._on_progress("all of it together")
        for arm in self._record.arms:
            reply = carry_out(self._child, Prepare(arm=self._spec(arm)), self._patience_s(PREPARE_S))
            if isinstance(reply, Failed):
                arm.failed, arm.why = True, failure(reply.error)
                return
        self._measure()

    def _measure(self) -> None:
        order = 0
        for number in range(MOST_ROUNDS):
            began_s = time.monotonic()
            arms = self._record.arms if number % 2 == 0 else self._record.arms[::-1]
            command = MeasureWindows(arms=[self._spec(arm) for arm in arms])
            reply = carry_out(self._child, command, self._patience_s(WINDOW_TIMEOUT_S * len(arms)))
            if isinstance(reply, Failed):
                self._record.arms[-1].doubt = f"Not concluded: {headline(reply.error).rstrip('.')}."
                return
            for arm, window in zip(arms, reply.windows, strict=True):
                self._record.windows.append(window.recorded(arm.id, round_number=number, order=order))
                order += 1
            if self._deadline_s - time.monotonic() < time.monotonic() - began_s:
                return

    def _spec(self, arm: Arm) -> ArmSpec:
        return ArmSpec.of(arm, epoch_steps=self._epoch_steps)

    def _patience_s(self, longest_s: float) -> float:
        return patience_s(longest_s, self._deadline_s - time.monotonic())
