"""Compares two reports: their times, their parts, their causes, and what makes the comparison unfair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from fitdoctor.report.model import Environment, FitSummary, Part, Report
from fitdoctor.wording import plural

# From this share on, another amount of memory means another machine. Firmware and containers take less.
MEMORY_MATTERS = 0.05

# What the time of a report rests on.
STAGE_WORDS = {
    "first answer": "a projection from a part of the training",
    "final": "a projection from a part of the training, with trials",
    "watched": "a whole training that was timed",
}

WHOLE_STEP, STEP_LABEL = "step", "steps (input, compute and host)"

# Only trials divide a step into these parts.
STEP_PARTS = ("input_wait", "device", "host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs: its name, as the user gave it, and its report."""

    name: str
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPair:
    """A part of the budget in both runs, in seconds of the whole training."""

    id: str
    label: str
    a_s: float
    b_s: float
    difference_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CausePair:
    """A cause and its cost in each run, in seconds; None where it was not found."""

    id: str
    # "gone", "new" or "still".
    change: str
    a_s: float | None = None
    b_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The differences between two runs."""

    a: str
    b: str
    a_s: float
    b_s: float
    # How many times as fast B is as A; None where they can't be compared, or where one takes no time.
    ratio: float | None
    # Why they can't be compared, or "".
    incomparable: str
    # Differences of machine, software and work that make the comparison unfair, each in words.
    differences: tuple[str, ...]
    parts: tuple[PartPair, ...]
    causes: tuple[CausePair, ...]
    # How many runs each side rests on: one, so nothing is proven.
    runs: int = 1


def compare(a: Side, b: Side) -> Comparison:
    """Compares two reports.

    Example:
        >>> compare(Side(name="before", report=before), Side(name="after", report=after)).ratio
        3.2
    """
    a_s, b_s = a.report.training.projected_s, b.report.training.projected_s
    incomparable = _incomparable(a.report, b.report)
    return Comparison(
        a=a.name,
        b=b.name,
        a_s=a_s,
        b_s=b_s,
        ratio=a_s / b_s if a_s > 0 and b_s > 0 and not incomparable else None,
        incomparable=incomparable,
        differences=tuple(_differences(a.report, b.report)),
        parts=tuple(_parts(a.report, b.report)),
        causes=tuple(_causes(a.report, b.report)),
    )


def _incomparable(a: Report, b: Report) -> str:
    """Returns why the times of the two can't be compared, or ""."""
    interrupted = [name for name, report in (("A", a), ("B", b)) if _is_cut_short(report)]
    if interrupted:
        return "both were interrupted" if len(interrupted) == 2 else f"{interrupted[0]} was interrupted"
    if PurePath(a.script).name != PurePath(b.script).name:
        return "they are different scripts"
    return ""


def _is_cut_short(report: Report) -> bool:
    """Whether the time of a report is not that of the whole training.

    The time of a diagnosis always is: it is projected.
    """
    return report.stage == "watched" and bool(report.interrupted)


def _parts(a: Report, b: Report) -> Iterator[PartPair]:
    before, after = ({part.id: part for part in _all(report)} for report in (a, b))
    if WHOLE_STEP in before or WHOLE_STEP in after:  # if only one has trials, compare what both have
        before, after = _whole_steps(before), _whole_steps(after)
    for name in dict.fromkeys((*before, *after)):
        a_s, b_s = (side[name].s if name in side else 0.0 for side in (before, after))
        yield PartPair(id=name, label=(before.get(name) or after[name]).label, a_s=a_s, b_s=b_s, difference_s=b_s - a_s)


def _whole_steps(parts: dict[str, Part]) -> dict[str, Part]:
    """Returns the parts with the parts of a step in one, as before the trials."""
    of_steps = [part for part in parts.values() if part.id in (WHOLE_STEP, *STEP_PARTS)]
    if not of_steps:
        return parts
    whole = Part(
        id=WHOLE_STEP, label=STEP_LABEL, s=sum(part.s for part in of_steps), share=sum(part.share for part in of_steps)
    )
    return {whole.id: whole, **{name: part for name, part in parts.items() if part not in of_steps}}


def _all(report: Report) -> list[Part]:
    budget = report.budget
    share = budget.unattributed_s / budget.total_s if budget.total_s > 0 else 0.0
    rest = Part(id="unattributed", label="not attributed", s=budget.unattributed_s, share=share)
    return [*(part for part in budget.parts if part.id != rest.id), rest]


def _causes(a: Report, b: Report) -> Iterator[CausePair]:
    before, after = (_costs(report) for report in (a, b))
    for name in dict.fromkeys((*before, *after)):
        change = "still" if name in before and name in after else "gone" if name in before else "new"
        yield CausePair(id=name, change=change, a_s=before.get(name), b_s=after.get(name))


def _costs(report: Report) -> dict[str, float]:
    """Returns the seconds of each cause, summed over its places."""
    costs: dict[str, float] = {}
    for cause in report.causes:
        if cause.status != "informative":
            costs[cause.id] = costs.get(cause.id, 0.0) + cause.cost_s.mid
    return costs


def _differences(a: Report, b: Report) -> Iterator[str]:
    if PurePath(a.script).name != PurePath(b.script).name:
        yield f"script: {a.script} in A, {b.script} in B"
    yield from _machines(a.environment, b.environment)
    yield from _work(a, b)
    if a.training.basis != b.training.basis and a.stage == b.stage:
        yield f"basis of the length of the training: {a.training.basis} in A, {b.training.basis} in B"
    if a.fitdoctor != b.fitdoctor:
        yield f"version of fitdoctor: {a.fitdoctor} in A, {b.fitdoctor} in B"
    for name, report in (("A", a), ("B", b)):
        if report.interrupted:
            yield f"{name} is incomplete: {report.interrupted.partition('. ')[0].removesuffix('.')}"
    if a.stage != b.stage:
        yield f"basis of the report: {STAGE_WORDS[a.stage]} in A, {STAGE_WORDS[b.stage]} in B"


def _machines(a: Environment, b: Environment) -> Iterator[str]:
    framework = "tensorflow" if b.backend == "tf_keras" else b.backend or "backend version"
    software = (("backend", "backend"), ("Keras", "keras"), (framework, "backend_version"), ("Python", "python"))
    for label, field in (*software, ("cores", "cores"), ("platform", "platform")):
        first, second = getattr(a, field), getattr(b, field)
        if first != second:
            yield f"{label}: {first or 'unknown'} in A, {second or 'unknown'} in B"
    if a.devices != b.devices:
        yield f"devices: {', '.join(a.devices) or 'unknown'} in A, {', '.join(b.devices) or 'unknown'} in B"
    if abs(a.memory_bytes - b.memory_bytes) > MEMORY_MATTERS * max(a.memory_bytes, b.memory_bytes):
        yield f"memory: {a.memory_bytes / 2**30:.1f} GiB in A, {b.memory_bytes / 2**30:.1f} GiB in B"


def _work(a: Report, b: Report) -> Iterator[str]:
    """Returns differences in the amount of training. Fits are paired in the order of their runs, since lines move."""
    first, second = a.training.fits, b.training.fits
    if len(first) != len(second):
        yield f"{plural(len(first), 'fit')} in A, {plural(len(second), 'fit')} in B"
        return
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        which = f" of fit {index + 1}" if len(first) > 1 else ""
        for label, was, now in _sizes(one, other):
            if was != now:
                yield f"{label}{which}: {_figure(was)} in A, {_figure(now)} in B"
    loops = [sum(loop.calls for loop in report.training.loops) for report in (a, b)]
    if loops[0] != loops[1]:
        yield f"calls outside of fit: {loops[0]:,} in A, {loops[1]:,} in B"


def _sizes(one: FitSummary, other: FitSummary) -> Iterator[tuple[str, int | None, int | None]]:
    yield "calls", one.calls, other.calls
    yield "epochs", one.epochs, other.epochs
    yield "batch size", one.batch_size, other.batch_size
    if one.batch_size == other.batch_size or None in (one.batch_size, other.batch_size):
        yield "steps per epoch", one.steps_per_epoch, other.steps_per_epoch
        return
    # With another batch size, the same data has another number of steps. The number of samples must be the same, up to
    # the last batch.
    samples = [(fit.steps_per_epoch or 0) * (fit.batch_size or 0) for fit in (one, other)]
    if abs(samples[0] - samples[1]) >= max(one.batch_size or 0, other.batch_size or 0):
        yield "samples per epoch, about", samples[0], samples[1]


def _figure(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"
