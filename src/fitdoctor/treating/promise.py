"""What a training is treated with, what was promised for that, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any

from fitdoctor.analysis.analyse import Analysis, analyse
from fitdoctor.analysis.treatable import treatable
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.places import short
from fitdoctor.facts.wording import duration, plural
from fitdoctor.process.exit_messages import signal_name
from fitdoctor.recording.model import CallSiteRecord, Fit, ProcessRecord, Treated
from fitdoctor.report.model import Prescription, Safety, Treatment
from fitdoctor.treating.diagnosis import Diagnosis
from fitdoctor.treating.offered import check_offered, not_offered, with_place
from fitdoctor.trials import other_processes
from fitdoctor.trials.safety import ORDER
from fitdoctor.trials.savings import projected

WORTH_SAYING = 1.05
"""How many times as fast as what is applied another prescription must be to be mentioned:

less does not count anywhere.
"""

OWN_SHOWN_S = 0.1
"""What `treat` itself takes is told from here on: by that its figures are apart from those of the report."""

SAFETY_WORDS = {"exact": "same numbers", "numerics": "rounds differently", "semantics": "another training"}
KEPT = ("input_kind", "inputs", "batch_size", "steps_per_epoch")


def choose(diagnosis: Diagnosis, allowed: Collection[Safety], *, again: str = "") -> tuple[Treated, str]:
    """What to apply, and a sentence on what more would be there; empty where that is nothing.

    Args:
        diagnosis: Where to take it from.
        allowed: How far the training may change.
        again: What stands behind “fitdoctor diagnose” to make another diagnosis.

    Raises:
        FitdoctorError: Nothing was verified that is that safe, and the message says what --allow would add; or it asks
            for a change that none of our remedies offers.
    """
    analysis = analyse(diagnosis.run, "final")
    chosen = treatable(analysis, allowed)
    more = _more(analysis, allowed, chosen)
    if chosen is None:
        if made_up := not_offered(analysis.facts, analysis.outcomes):
            raise FitdoctorError(
                f"Received {diagnosis.shown} with the change {with_place(made_up[0])}, which no remedy of this fitdoctor offers there; "
                "expected changes that a diagnosis by this version made. "
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
    """What else could be allowed, in a sentence: the least that would make it faster."""
    for last in range(1, len(ORDER)):
        wider = {*allowed, *ORDER[: last + 1]}
        if wider == set(allowed):
            continue
        other = treatable(analysis, wider)
        if other is not None and (chosen is None or other.speedup.mid > WORTH_SAYING * chosen.speedup.mid):
            names = ",".join(each for each in ORDER[1:] if each in wider)
            return f"“--allow {names}” would add {' and '.join(other.remedies)} ({SAFETY_WORDS[other.safety]}, {other.speedup.mid:.2f}×)."
    if len(allowed) > 1 and chosen is not None and chosen.safety == ORDER[0]:
        return "What --allow lets in adds nothing: the best that was verified leaves every number as it is."
    return ""


def _is_raced(change: dict[str, Any]) -> bool:
    return change["kind"] == "scale-input" or change.get("argument") in ("batch_size", "learning_rate")


def _with_expectation(facts: Facts, treatment: Treatment) -> dict[str, Any]:
    """A treatment with what was recorded of the data of its call."""
    records: list[Fit] | list[CallSiteRecord] = facts.scout.fits if treatment.kind == "fit" else facts.scout.loops
    found = next(
        (each for each in records if (each.site.file, each.site.line) == (treatment.file, treatment.line)), None
    )
    expected: dict[str, Any] = {}
    if isinstance(found, Fit):
        expected = {name: value for name, value in asdict(found).items() if name in KEPT}
        if found.steps_basis != "declared":
            del expected["steps_per_epoch"]
    elif isinstance(found, CallSiteRecord):
        expected = {"rows": found.rows, "batch_size": found.batch_size}
    return {**asdict(treatment), "changes": list(treatment.changes), "expected": expected}


def announcement(treated: Treated) -> str:
    """What is about to be done."""
    return (
        f"Training with {' and '.join(treated.remedies)} ({SAFETY_WORDS[treated.safety]}), as verified in {treated.diagnosis}. "
        f"Promised: {_promised(treated)}.{_too_short(treated)}"
    )


def _too_short(treated: Treated) -> str:
    if treated.promised_s + treated.own_s < treated.plain_s:
        return ""
    return (
        f" That is no less than the {duration(treated.plain_s)} of the script as written, as coming to it takes treat itself "
        f"{duration(treated.own_s)}: write the changes into the script instead."
    )


def conclusion(
    treated: Treated, diagnosed: ProcessRecord, seen: ProcessRecord | None, *, code: int, wall_s: float
) -> Iterator[str]:
    """What came of it: the seconds, and whatever makes them no answer to the promise."""
    applied = seen is None or seen.treated_calls > 0
    yield f"It took {duration(wall_s)}.{f' Promised: {_promised(treated)}.' if applied else ''}"
    if code and code != diagnosed.ending.code:
        how = f"was ended by {signal_name(-code)}" if code < 0 else f"ended with {code}"
        yield f"It {how}, and the promise is of a training that goes through."
    elif seen is not None and applied:
        yield from _outside(treated, diagnosed, seen, wall_s)
    if seen is None:
        return
    if not applied:
        reached = "ran as written" if seen.fits or seen.loops else "did not come to what was to be changed"
        yield f"Nothing of it was applied: the training {reached}."
        if not (seen.fits or seen.loops) and (why := other_processes.unseen(seen)):
            yield why
    else:
        yield from other_processes.limits(seen)
    for fit in seen.fits:
        yield from _length(fit, diagnosed)
    if treated.to_target and not any(fit.stopped_at for fit in seen.fits):
        yield "The promise is of the time to the same loss: a training without a stopping rule goes through all of its epochs."


def _outside(treated: Treated, diagnosed: ProcessRecord, seen: ProcessRecord, wall_s: float) -> Iterator[str]:
    """Says so where a training that went through took longer or shorter than promised, and how far its start explains
    that.
    """
    if treated.promised_low_s <= wall_s - treated.own_s <= treated.promised_high_s:
        return
    now_s, then_s = (sum(scout.parts.get(part, 0.0) for part in ("start", "imports")) for scout in (seen, diagnosed))
    how = "longer" if wall_s - treated.own_s > treated.promised_high_s else "shorter"
    came = f"It came to its first call after {duration(now_s)}; when it was diagnosed, after {duration(then_s)}."
    yield f"That is {how} than promised. {came}"


def _length(fit: Fit, diagnosed: ProcessRecord) -> Iterator[str]:
    """Whether a fit was as long as it was taken to be."""
    before = next(
        (each for each in diagnosed.fits if (each.site.file, each.site.line) == (fit.site.file, fit.site.line)), None
    )
    planned = fit.calls_run * (fit.epochs - fit.initial_epoch)
    expected = (
        planned if before is None else fit.calls_run * (before.stopped_at or before.epochs - before.initial_epoch)
    )
    if not fit.epochs_seen or fit.epochs_seen == expected:
        return
    rule = ", stopped by a rule of its own" if fit.stopped_at else ""
    yield f"{short(fit.site)} trained {plural(fit.epochs_seen, 'epoch')}{rule}; the promise is of {expected}."


def _promised(treated: Treated) -> str:
    low, mid, high = (
        duration(seconds + treated.own_s)
        for seconds in (treated.promised_low_s, treated.promised_s, treated.promised_high_s)
    )
    own = f", {duration(treated.own_s)} of it for treat itself" if treated.own_s >= OWN_SHOWN_S else ""
    return f"{mid} [{low}, {high}] instead of {duration(treated.plain_s)}{own}"
