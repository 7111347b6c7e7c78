"""The first lines of the report: how long the training takes as it stands, how long with the fix, and at best."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.report.canvas import Canvas, Span
from fitdoctor.report.figures import GLUE, ratio, ratio_range
from fitdoctor.report.model import (
    BACKENDS,
    Environment,
    FitSummary,
    LoopSummary,
    Prescription,
    RemedyResult,
    Report,
    Training,
)
from fitdoctor.report.source_places import SourcePlaces
from fitdoctor.wording import duration, plural

# An upper limit below this leaves no room for a saving that counts, see the 5 % rule of the verdict.
WORTH_A_LINE = 1.05

# An upper limit below this share of what the costliest cause costs is of another kind of cost, and is not shown.
ABOUT_THE_COST = 0.9

LABEL_COLUMNS = 14
INDENT = " " * (LABEL_COLUMNS + 2)

# Texts up to this length move to the next line as a whole. Longer ones would leave too much of a line empty.
WHOLE_LENGTH = 40

# How long the training takes, by what that rests on: before the time, and the sentence after it.
BASIS_WORDS = {
    "declared": ("", "This is projected from a part that was run and timed."),
    "observed": ("", "This is projected to the length that a run had."),
    "upper bound": ("at most ", "This is projected; a callback may stop the training earlier."),
    "unknown": ("at least ", "This is projected; the length of an epoch could not be measured."),
}

# What the training is without one kind of cost.
LIMIT_WORDS = {
    "input": "with free input",
    "callbacks": "without callbacks",
    "validation": "without validation",
}

NO_WORSE = {
    "exact": "Training is no worse: it computes the same numbers.",
    "numerics": "Training is no worse: it computes the same numbers up to rounding.",
    "semantics": "This is another training.",
}


def draw_header(canvas: Canvas, report: Report) -> None:
    """Draws the script, and what it runs on."""
    environment = report.environment
    canvas.block((report.script, "bold"), *_dotted(_software(environment, report.training), _device(environment)))


def draw_summary(canvas: Canvas, report: Report, places: SourcePlaces) -> None:
    """Draws the times: as it stands, with the fix, and the upper limit; without a fix the verdict."""
    draw_time(canvas, report)
    if report.prescription and report.verdict == "causes":
        _draw_prescription(canvas, report, report.prescription)
    else:
        _draw_row(canvas, "Verdict", *_verdict(report, places))
    if report.alternative:
        _draw_alternative(canvas, report, report.alternative)
    for sentence in _upper_limits(report):
        _draw_row(canvas, "Upper limit", sentence)


def draw_time(canvas: Canvas, report: Report) -> None:
    """Draws how long the training takes as it stands, and what that rests on."""
    training = report.training
    work = _work(training)
    of_what = f" for {work}." if work else "."
    if report.stage == "watched":
        _draw_row(canvas, "It took", (duration(training.projected_s), "bold"), of_what)
        return
    before, why = BASIS_WORDS[training.basis]
    _draw_row(canvas, "As it stands", before, (duration(training.projected_s), "bold"), f"{of_what} {why}")


def _draw_prescription(canvas: Canvas, report: Report, chosen: Prescription) -> None:
    count = len(chosen.remedies)
    _draw_row(canvas, "With the fix" if count == 1 else f"With {count} fixes", *_time(chosen))
    names = ", ".join(_named(report, chosen))
    canvas.block(f"{'Fix' if count == 1 else 'Fixes'}: {names}.", prefix=INDENT)
    canvas.block(_no_worse(report, chosen), prefix=INDENT)
    if count > 1 and not chosen.measured_together:
        canvas.block("The fixes were measured one by one. The time with all of them is projected.", prefix=INDENT)
    elif chosen.measured_in == "fresh process":
        canvas.block("This was measured as a whole in a fresh process.", prefix=INDENT)
    if chosen.interaction:
        canvas.block(chosen.interaction, prefix=INDENT)
    drawn = {remedy.how for cause in report.causes for remedy in cause.remedies if remedy.status == "measured"}
    for how in chosen.how:
        if how not in drawn:
            canvas.block("how: ", (how, "bold"), prefix=INDENT)


def _draw_alternative(canvas: Canvas, report: Report, other: Prescription) -> None:
    """Says what changing the training would give. That is never mixed with what leaves it as it is."""
    _draw_row(canvas, "Or instead", *_time(other))
    canvas.block(f"Fix: {', '.join(_named(report, other))}.", prefix=INDENT)
    canvas.block(_no_worse(report, other), prefix=INDENT)


def _draw_row(canvas: Canvas, label: str, *spans: Span | str) -> None:
    canvas.block(*spans, prefix=(f"  {label + ':':<{LABEL_COLUMNS}}", "bold"))


def _time(chosen: Prescription) -> tuple[Span | str, ...]:
    """The time with a prescription, the speed-up, and the intervals of both."""
    bounds = [ratio_range(chosen.speedup)]
    if chosen.projected is not None:
        low, high = duration(chosen.projected.low), duration(chosen.projected.high)
        bounds = [f"{low} to {high}" if low != high else low, *bounds]
    faster = f"{ratio(chosen.speedup.mid)} as fast".replace(" ", GLUE)
    intervals = "interval" if len(bounds) == 1 else "intervals"
    between = ", ".join(each.replace(" ", GLUE) for each in bounds)
    return (duration(chosen.projected_s), "bold green"), ", ", (faster, "green"), f" (95 % {intervals}: {between})."


def _named(report: Report, chosen: Prescription) -> list[str]:
    """The titles of the chosen remedies, each with the number of its cause."""
    ranked = [cause for cause in report.causes if cause.status != "informative"]
    names: list[str] = []
    for name in chosen.remedies:
        found = [
            f"{remedy.title} (cause {rank})"
            for rank, cause in enumerate(ranked, start=1)
            for remedy in cause.remedies
            if remedy.id == name and remedy.status == "measured" and (remedy.how in chosen.how or not remedy.how)
        ]
        names.append(found[0] if found else name)
    return names


def _no_worse(report: Report, chosen: Prescription) -> str:
    """Says what the fixes do to the training, and how far trials have checked it."""
    applied = [
        remedy
        for cause in report.causes
        for remedy in cause.remedies
        if remedy.id in chosen.remedies and remedy.status == "measured"
    ]
    if chosen.safety == "semantics":
        return " ".join([NO_WORSE["semantics"], *dict.fromkeys(_raced(remedy) for remedy in applied)]).strip()
    if all(remedy.verified_safety or remedy.time_to_target for remedy in applied):
        return NO_WORSE[chosen.safety]
    unchecked = "The fix is safe by design; no trial compared its numbers."
    if len(chosen.remedies) > 1:
        unchecked = "Some of the fixes are safe by design; no trial compared their numbers."
    return f"{NO_WORSE[chosen.safety]} {unchecked}"


def _raced(remedy: RemedyResult) -> str:
    race = remedy.time_to_target
    if race is None:
        return ""
    races = f"in {race.reached[0]} of {plural(race.reached[1], 'race')}"
    if race.by_rule:
        return f"It is no worse: it stopped by its own rule, at a {race.metric} as good, {races}."
    return f"It is no worse: it reached the same {race.metric} {races}."


def _verdict(report: Report, places: SourcePlaces) -> list[Span]:
    text = places.spans(report.verdict_text)
    if report.verdict == "causes":
        return text
    if report.verdict == "healthy":
        return [("Healthy. ", "bold green"), *text]
    return [("Only watched. " if report.stage == "watched" else "Inconclusive. ", "bold yellow"), *text]


def _upper_limits(report: Report) -> Iterator[str]:
    """Says what fixes of one kind can give at most; for input also that it is nothing, which spares a search.

    A kind whose limit is below the prescribed saving, or below the cost of a cause, is left out.
    """
    costliest = max((cause.cost_s.low for cause in report.causes if cause.status != "informative"), default=0.0)
    whole_s = report.training.projected_s
    without = whole_s / max(whole_s - ABOUT_THE_COST * costliest, 1e-9)
    least = max(WORTH_A_LINE, report.prescription.speedup.mid if report.prescription else without)
    measured = [ceiling for ceiling in report.ceilings if ceiling.measured]
    limits = [
        f"even {LIMIT_WORDS[each.kind]}, {duration(whole_s / each.speedup)} ({ratio(each.speedup)})"
        for each in measured
        if each.speedup >= least
    ]
    if limits:
        yield "; ".join(limits) + (" for the same training." if report.alternative else ".")
    if any(ceiling.kind == "input" and ceiling.speedup < WORTH_A_LINE for ceiling in measured):
        yield "even with free input, it would take as long: input is not the bottleneck."


def _software(environment: Environment, training: Training) -> str:
    name = environment.backend or training.backend
    backend = BACKENDS.get(name, name)
    keras = f"Keras {environment.keras} on " if environment.keras else ""
    if name == "tf_keras":
        keras, backend = f"tf_keras {environment.keras} on ", BACKENDS["tensorflow"]
    return f"{keras}{backend} {environment.backend_version}".strip()


def _device(environment: Environment) -> str:
    """Names the accelerators, equal ones once; without any, the CPU."""
    others = [device for device in environment.devices if "cpu" not in device.lower()]
    names = [f"{others.count(name)} × {name}" if others.count(name) > 1 else name for name in dict.fromkeys(others)]
    device = ", ".join(names) or "CPU"
    core = "CPU core" if names else "core"
    return f"{device} ({plural(environment.cores, core)})" if environment.cores else device


def _work(training: Training) -> str:
    """Says what the training consists of: its largest fit, or without any its largest loop."""
    fits = sorted(training.fits, key=lambda fit: -fit.share)
    loops = sorted(training.loops, key=lambda loop: -loop.share)
    if fits:
        more = plural(len(fits) - 1, "more fit")
        return _fit_words(fits[0]) + (f" and {more}" if len(fits) > 1 else "")
    return _loop_words(loops[0]) if loops else ""


def _fit_words(fit: FitSummary) -> str:
    steps = f" × {plural(fit.steps_per_epoch, 'step')}" if fit.steps_per_epoch else ""
    once = f"{plural(fit.epochs, 'epoch')}{steps}".replace(" ", GLUE)
    return f"{plural(fit.calls, 'fit')} of {once}" if fit.calls > 1 else once


def _loop_words(loop: LoopSummary) -> str:
    return f"{plural(loop.calls, 'call')} of {loop.kind}"


def _dotted(*texts: str) -> list[str]:
    """Continues a line behind a dot. A short text stays in one piece, and a new line begins with the dot."""
    return [f" ·{GLUE}{text.replace(' ', GLUE) if len(text) <= WHOLE_LENGTH else text}" for text in texts if text]
