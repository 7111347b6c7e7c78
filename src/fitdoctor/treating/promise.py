"""The treatment of a training: what is applied, what it promises, and what it achieved."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any

from fitdoctor.analysis.analyse import Analysis, analyse
from fitdoctor.analysis.treatable import treatable
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts import other_processes
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.process.exit_status import signal_name
from fitdoctor.recording.model import CallSiteRecord, Fit, ProcessRecord, Treated
from fitdoctor.report.model import Prescription, Safety, Treatment
from fitdoctor.treating.diagnosis import Diagnosis
from fitdoctor.treating.offered import check_offered, not_offered, with_place
from fitdoctor.trials.safety import ORDER
from fitdoctor.trials.savings import projected
from fitdoctor.wording import SAFETY_WORDS, duration, plural

# Another prescription is mentioned if it is this many times as fast as the applied one.
WORTH_SAYING = 1.05

# From here on, the time of `treat` itself is shown: its figures differ from those of the report by that.
OWN_SHOWN_S = 0.1

# Fields of the recorded fit that the treated one must share.
EXPECTED_FIELDS = ("input_kind", "inputs", "batch_size", "steps_per_epoch")


def choose(diagnosis: Diagnosis, allowed: Collection[Safety], *, again: str = "") -> tuple[Treated, str]:
    """Chooses the treatment, and returns it with a sentence on what else could be allowed, or "".

    Args:
        diagnosis: The diagnosis.
        allowed: The safeties that are allowed.
        again: The arguments of `fitdoctor diagnose` for another diagnosis.

    Raises:
        FitdoctorError: Nothing that is safe enough was verified; the message says what --allow would add. Or the
            diagnosis has a change that none of our remedies offers.
    """
    analysis = analyse(diagnosis.run, "final")
    chosen = treatable(analysis, allowed)
    more = _more(analysis, allowed, chosen)
    if chosen is None:
        if made_up := not_offered(analysis.facts, analysis.outcomes):
            raise FitdoctorError(
                f"Received {diagnosis.shown} with the change {with_place(made_up[0])}, which no remedy of this "
                "fitdoctor offers there; expected changes that a diagnosis by this version made. "
                f"Diagnose it again: “fitdoctor diagnose {again or analysis.facts.run.script}”."
            )
        hint = more or f"“fitdoctor report {diagnosis.shown}” shows what was tried."
        raise FitdoctorError(
            f"Received {diagnosis.shown}, in which nothing was verified to make the training faster {_how(allowed)}; "
            f"expected at least one such change. {hint}"
        )
    facts = analysis.facts
    check_offered(facts, chosen.treatments, diagnosis.shown, again=again or facts.run.script)
    promised = projected(facts, chosen.speedup)
    treated = Treated(
        diagnosis=diagnosis.shown,
        remedies=list(chosen.remedies),
        safety=chosen.safety,
        promised_s=promised.mid,
        promised_low_s=promised.low,
        promised_high_s=promised.high,
        plain_s=facts.total_s,
        to_target=any(_is_raced(change) for each in chosen.treatments for change in each.changes),
        treatments=[_with_expectation(facts, each) for each in chosen.treatments],
    )
    return treated, more


def _how(allowed: Collection[Safety]) -> str:
    kinds = [SAFETY_WORDS[each] for each in ORDER if each in allowed]
    return f"with {kinds[0]}" if len(kinds) == 1 else f"even where it {' or is '.join(kinds[1:])}"


def _more(analysis: Analysis, allowed: Collection[Safety], chosen: Prescription | None) -> str:
    """Returns a sentence on the least that could be allowed to make it faster."""
    for last in range(1, len(ORDER)):
        wider = {*allowed, *ORDER[: last + 1]}
        if wider == set(allowed):
            continue
        other = treatable(analysis, wider)
        if other is not None and (chosen is None or other.speedup.mid > WORTH_SAYING * chosen.speedup.mid):
            names = ",".join(each for each in ORDER[1:] if each in wider)
            gain = f"{SAFETY_WORDS[other.safety]}, {other.speedup.mid:.2f}×"
            return f"“--allow {names}” would add {' and '.join(other.remedies)} ({gain})."
    if len(allowed) > 1 and chosen is not None and chosen.safety == ORDER[0]:
        return "--allow adds nothing: the best verified changes give the same numbers."
    return ""


def _is_raced(change: dict[str, Any]) -> bool:
    return change["kind"] == "scale-input" or change.get("argument") in ("batch_size", "learning_rate")


def _with_expectation(facts: Facts, treatment: Treatment) -> dict[str, Any]:
    """Returns a treatment as data, with what was recorded about the data of its call."""
    records: list[Fit] | list[CallSiteRecord] = facts.scout.fits if treatment.kind == "fit" else facts.scout.loops
    found = next(
        (each for each in records if (each.site.file, each.site.line) == (treatment.file, treatment.line)), None
    )
    expected: dict[str, Any] = {}
    if isinstance(found, Fit):
        expected = {name: value for name, value in asdict(found).items() if name in EXPECTED_FIELDS}
        if found.steps_basis != "declared":
            del expected["steps_per_epoch"]
    elif isinstance(found, CallSiteRecord):
        expected = {"rows": found.rows, "batch_size": found.batch_size}
    return {**asdict(treatment), "changes": list(treatment.changes), "expected": expected}


def announcement(treated: Treated) -> str:
    """Returns the sentences before the training."""
    return (
        f"Training with {' and '.join(treated.remedies)} ({SAFETY_WORDS[treated.safety]}), as verified in "
        f"{treated.diagnosis}. Promised: {_promised(treated)}.{_too_short(treated)}"
    )


def _too_short(treated: Treated) -> str:
    if treated.promised_s + treated.own_s < treated.plain_s:
        return ""
    return (
        f" The script as written takes {duration(treated.plain_s)}, which is no longer: treat itself takes "
        f"{duration(treated.own_s)}. Write the changes into the script instead."
    )


def conclusion(
    treated: Treated, diagnosed: ProcessRecord, recorded: ProcessRecord | None, *, code: int, wall_s: float
) -> Iterator[str]:
    """Yields sentences on the result: its seconds, and why they may not be comparable with the promise."""
    applied = recorded is None or recorded.treated_calls > 0
    yield f"It took {duration(wall_s)}.{f' Promised: {_promised(treated)}.' if applied else ''}"
    if code and code != diagnosed.ending.code:
        how = f"was ended by {signal_name(-code)}" if code < 0 else f"ended with {code}"
        yield f"It {how}, but the promise is for a complete training."
    elif recorded is not None and applied:
        yield from _outside(treated, diagnosed, recorded, wall_s)
    if recorded is None:
        return
    if not applied:
        reached = "ran as written" if recorded.fits or recorded.loops else "did not reach the calls to change"
        yield f"No change was applied: the training {reached}."
        if not (recorded.fits or recorded.loops) and (why := other_processes.why_not_observed(recorded)):
            yield why
    else:
        yield from other_processes.limits(recorded)
    for fit in recorded.fits:
        yield from _length(fit, diagnosed)
    if treated.to_target and not any(fit.stopped_at for fit in recorded.fits):
        yield "The promise is the time to the same loss. A training without a stopping rule runs all of its epochs."


def _outside(treated: Treated, diagnosed: ProcessRecord, recorded: ProcessRecord, wall_s: float) -> Iterator[str]:
    """Yields a sentence if a complete training took longer or shorter than promised, with the time of its start."""
    if treated.promised_low_s <= wall_s - treated.own_s <= treated.promised_high_s:
        return
    now_s, then_s = (
        sum(scout.parts.get(part, 0.0) for part in ("start", "imports")) for scout in (recorded, diagnosed)
    )
    how = "longer" if wall_s - treated.own_s > treated.promised_high_s else "shorter"
    start = f"It reached its first call after {duration(now_s)}; in the diagnosis, after {duration(then_s)}."
    yield f"That is {how} than promised. {start}"


def _length(fit: Fit, diagnosed: ProcessRecord) -> Iterator[str]:
    """Yields a sentence if a fit had another length than expected."""
    before = next(
        (each for each in diagnosed.fits if (each.site.file, each.site.line) == (fit.site.file, fit.site.line)), None
    )
    planned = fit.calls_run * (fit.epochs - fit.initial_epoch)
    expected = (
        planned if before is None else fit.calls_run * (before.stopped_at or before.epochs - before.initial_epoch)
    )
    if not fit.epochs_seen or fit.epochs_seen == expected:
        return
    rule = ", stopped by its own rule" if fit.stopped_at else ""
    yield f"{file_and_line(fit.site)} trained {plural(fit.epochs_seen, 'epoch')}{rule}; the promise is for {expected}."


def _promised(treated: Treated) -> str:
    low, mid, high = (
        duration(seconds + treated.own_s)
        for seconds in (treated.promised_low_s, treated.promised_s, treated.promised_high_s)
    )
    own = f", {duration(treated.own_s)} of it for treat itself" if treated.own_s >= OWN_SHOWN_S else ""
    return f"{mid} [{low}, {high}] instead of {duration(treated.plain_s)}{own}"
