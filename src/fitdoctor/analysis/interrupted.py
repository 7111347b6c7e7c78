"""Where a diagnosis or a watched training was when it was interrupted."""

from __future__ import annotations

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.recording.model import Fit

_STAGES = {
    "scout": "during the first run of the script: no fix was tried",
    "trials": "during the trials{place}: the other fixes were not tried",
    "races": "during the races{place}: the other fixes were not raced",
}
_ENDED = {
    "interrupted": "The training was interrupted",
    "killed": "The training was killed",
    "exception": "The training failed",
    "exit": "The script exited",
}


def interruption(facts: Facts) -> str:
    """Returns a sentence for the top of the report, or "" where nothing was interrupted."""
    stage = _STAGES.get(facts.run.interrupted)
    if stage is not None:
        return f"The diagnosis was interrupted {stage.format(place=_place_of_trials(facts))}."
    if not facts.observed or not facts.scout.fits:
        return ""
    last = facts.scout.fits[-1]
    ended = _ENDED.get(facts.scout.ending.how)
    if ended is None or last.calls_run <= last.teardown.count:
        return ""
    return f"{ended} in {_epoch(last)}. This report covers the time until then."


def _place_of_trials(facts: Facts) -> str:
    if not facts.run.rehearsals:
        return ""
    at = facts.run.rehearsals[-1]
    found = facts.fits if at.target == "fit" else facts.loops
    return f" at {file_and_line(found[at.index].record.site)}" if at.index < len(found) else ""


def _epoch(fit: Fit) -> str:
    """The epoch of the last call. Earlier calls of the same place count as complete."""
    declared = fit.epochs - fit.initial_epoch
    done = min(max(0, fit.epochs_seen - (fit.calls_run - 1) * declared), max(0, declared - 1))
    call = f", call {fit.calls_run}" if fit.calls_run > 1 else ""
    return f"epoch {fit.initial_epoch + done + 1} of {fit.epochs} (fit at {file_and_line(fit.site)}{call})"
