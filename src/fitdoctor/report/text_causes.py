"""The causes with what they cost and what was tried against them, and what was tried in vain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fitdoctor.report.canvas import Canvas
from fitdoctor.report.figures import GLUE, counted, deviation, duration, duration_range, ratio, share, speedup
from fitdoctor.report.model import CauseResult, RemedyResult, Report, Safety, Tried, Variant
from fitdoctor.trial_units import Unit, label_of

SAFETY_WORDS: dict[Safety, str] = {
    "exact": "same numbers",
    "numerics": "other rounding",
    "semantics": "another training",
}

INDENT = "     "
NEXT_TO_NOTHING = 10
"""Where a cost may be less than this part of what it may be at most, only that is said."""


def draw_causes(canvas: Canvas, report: Report) -> None:
    """Draws every cause: its place, its cost, its evidence, and each remedy with the verdict of its trial."""
    rank = 0
    for cause in report.causes:
        informative = cause.status == "informative"
        rank += not informative
        canvas.blank()
        _draw_head(canvas, cause, "i" if informative else str(rank))
        if not informative:
            canvas.block(*_cost(cause, _same_seconds_as(report, cause)), prefix=INDENT)
        for evidence in cause.evidence:
            canvas.block((evidence.text, "dim"), prefix=f"{INDENT}· ")
        for remedy in _distinct(cause.remedies):
            _draw_remedy(canvas, remedy, yet=_is_still_open(report, remedy), timed=_was_timed(report, cause, remedy))


def draw_tried_in_vain(canvas: Canvas, report: Report) -> None:
    """Draws the trials that helped nothing and stand under no cause, and how far identical arms differed."""
    shown = {(cause.id, remedy.id) for cause in report.causes for remedy in cause.remedies}
    hidden = [arm for arm in report.tried if arm.role == "remedy" and (arm.cause, arm.remedy) not in shown]
    refuted = _best_by_remedy(arm for arm in hidden if arm.verdict == "refuted")
    open_arms = {
        arm.remedy: arm for arm in hidden if arm.verdict in ("inconclusive", "failed") and arm.remedy not in refuted
    }
    placebo = _placebo(report.tried)
    if refuted or open_arms or placebo:
        canvas.blank()
    if refuted:
        names = ", ".join(_in_vain(arm) for name, arm in refuted.items())
        canvas.block(f"Tried without effect: {names}", prefix=("  ✗  ", "red"))
    for name, arm in open_arms.items():
        word = "could not be tried" if arm.verdict == "failed" else "could not tell" if arm.windows else "not tried"
        canvas.block(f"{name}: {word}{_because(arm.why)}", prefix=("  ?  ", "yellow"))
    if placebo:
        canvas.block((placebo, "dim"), prefix="  ·  ")


def _in_vain(arm: Tried) -> str:
    if arm.unit == Unit.RACE:
        return f"{arm.remedy} (no sooner at the same loss)"
    return f"{arm.remedy} ({ratio(arm.unit_ratio)})" if arm.unit_ratio else arm.remedy


def _draw_head(canvas: Canvas, cause: CauseResult, number: str) -> None:
    place = cause.locations[0] if cause.locations else None
    where = f"   {place.file}:{place.line}" if place else ""
    prefix = f"  {number}  "
    head = ((cause.id, "bold"), (where, "cyan"))
    title = (f"   {cause.title}", "")
    if canvas.fits(prefix, *head, title):
        canvas.block(*head, title, prefix=(prefix, "bold"))
    else:
        canvas.block(*head, prefix=(prefix, "bold"))
        canvas.block(cause.title, prefix=INDENT)
    if place and place.code.strip():
        canvas.cropped((place.code.strip(), "cyan"), prefix=(f"{INDENT}│ ", "dim"))
    if others := cause.locations[1:]:
        canvas.block(("also " + ", ".join(f"{other.file}:{other.line}" for other in others), "dim"), prefix=INDENT)


def _cost(cause: CauseResult, same_as: int) -> tuple[tuple[str, str], ...]:
    seconds, estimated = cause.cost_s, cause.status == "estimated"
    cost, most = duration_range(seconds.low, seconds.high), share(cause.share)
    if seconds.low < seconds.high / NEXT_TO_NOTHING:
        at_most = cause.share * seconds.high / seconds.mid if seconds.mid else cause.share
        cost, most = f"up to {duration(seconds.high)}", f"up to {share(min(1.0, at_most))}"
    notes = (
        [most] * (cause.share > 0)
        + [f"partly the same seconds as {same_as}"] * (same_as > 0)
        + ["estimated"] * estimated
    )
    cost = cost.replace(" ", GLUE)
    rest = f" of this training ({', '.join(notes)})" if notes else " of this training"
    return ("may cost " if estimated else "costs ", ""), (cost, "bold"), (rest, "")


def _same_seconds_as(report: Report, cause: CauseResult) -> int:
    """The rank of an earlier cause that costs some of the same wait for input:

    both together cost more than all of it; or 0.
    """
    waited_s = sum(part.s for part in report.budget.parts if part.id == "input_wait")
    ranked = [each for each in report.causes if each.status != "informative"]
    if cause.family != "input":
        return 0
    for rank, earlier in enumerate(ranked[: ranked.index(cause)], start=1):
        if earlier.family == "input" and earlier.cost_s.mid + cause.cost_s.mid > waited_s > 0:
            return rank
    return 0


def _was_timed(report: Report, cause: CauseResult, remedy: RemedyResult) -> bool:
    """Whether the turn of a remedy came before the time was up.

    One trial may stand for several causes, and is listed under the first.
    """
    arms = [arm for arm in report.tried if (arm.remedy, arm.unit) == (remedy.id, remedy.unit)]
    own = [arm for arm in arms if arm.cause == cause.id] or arms
    return not own or any(arm.windows for arm in own)


def _is_still_open(report: Report, remedy: RemedyResult) -> bool:
    """Whether a remedy that was not tried may still be."""
    return report.stage == "first answer" or report.stage == "watched" and not remedy.why


def _draw_remedy(canvas: Canvas, remedy: RemedyResult, *, yet: bool, timed: bool) -> None:
    match remedy.status:
        case "measured":
            canvas.block(*_measured(remedy), prefix=(f"{INDENT}✓ ", "green"))
        case "refuted":
            unit = f" ({label_of(remedy.unit)} {ratio(remedy.unit_ratio.mid)})" if remedy.unit_ratio else ""
            canvas.block(
                f"tried without effect: {remedy.title}{unit}{_because(remedy.why)}", prefix=(f"{INDENT}✗ ", "red")
            )
        case "inconclusive":
            seen = f" ({label_of(remedy.unit)} {speedup(remedy.unit_ratio)})" if remedy.unit_ratio else ""
            word = "tried, could not tell" if timed else "not tried"
            canvas.block(f"{word}: {remedy.title}{seen}{_because(remedy.why)}", prefix=(f"{INDENT}? ", "yellow"))
        case "untried" if yet:
            canvas.block(f"not tried yet: {remedy.title}", prefix=f"{INDENT}? ")
        case "untried" if remedy.speedup:
            gain = speedup(remedy.speedup)
            canvas.block(
                f"not tried: {remedy.title}  {gain}{GLUE}whole{GLUE}run, computed{_because(remedy.why)}",
                prefix=(f"{INDENT}· ", ""),
            )
        case "untried":
            word = "could not be tried" if remedy.why else "not tried"
            canvas.block(
                f"{word}: {remedy.title}{_because(remedy.why.removeprefix('Could not be tried: '))}",
                prefix=(f"{INDENT}? ", "yellow"),
            )
    if remedy.status == "measured" and remedy.note:
        canvas.block((remedy.note, "dim"), prefix=f"{INDENT}  ")
    if remedy.status == "measured" and remedy.variants:
        variants = ", ".join(_variant(variant, raced=remedy.time_to_target is not None) for variant in remedy.variants)
        canvas.block((f"also tried, and no better: {variants}", "dim"), prefix=f"{INDENT}  ")
    advised_against = remedy.status == "untried" and remedy.why and not remedy.speedup
    if remedy.how and remedy.status != "refuted" and not advised_against:
        canvas.block("how: ", (remedy.how, "bold"), prefix=f"{INDENT}  ")


def _variant(variant: Variant, *, raced: bool) -> str:
    """Another setting of a remedy in few words: what it was, and what its trial said."""
    label = f"the value {variant.label}" if variant.label.isdecimal() else variant.label
    if variant.verdict == "failed" or variant.unit_ratio is None:
        return f"{label} (could not be tried)"
    if raced:  # one race told that another setting was ahead, and no more
        return f"{label} ({ratio(variant.unit_ratio)})"
    told = (
        "without effect"
        if variant.verdict == "refuted"
        else "could not tell"
        if variant.verdict == "inconclusive"
        else ""
    )
    return f"{label} ({ratio(variant.unit_ratio)}{', ' if told else ''}{told})"


def _measured(remedy: RemedyResult) -> tuple[tuple[str, str], ...]:
    spans = [(f"tried: {remedy.title}  ", "")]
    if remedy.speedup:
        spans += [(speedup(remedy.speedup), "bold green"), (f"{GLUE}whole{GLUE}run", "")]
        if remedy.unit_ratio and not remedy.time_to_target:
            spans.append((_next(f"{label_of(remedy.unit)} {ratio(remedy.unit_ratio.mid)}"), ""))
    elif remedy.unit_ratio:
        spans += [(label_of(remedy.unit) + GLUE, ""), (speedup(remedy.unit_ratio), "bold green")]
    spans.append((_next(_safety_words(remedy)), ""))
    if race := remedy.time_to_target:
        sooner = f"{ratio(race.mid)} sooner at the same {race.metric}"
        if race.beyond:
            sooner = f"at least {ratio(race.mid)} sooner at a {race.metric} that was not reached without it"
        if race.by_rule:
            sooner = f"{ratio(race.mid)} sooner at the end by its own stopping rule"
        spans.append((_next(sooner), ""))
        bounds = f"{share(race.reached_low)} to {share(race.reached_high)}"
        spans.append(
            (_next(f"in {race.reached[0]} of {counted(race.reached[1], 'race')} ({bounds} of such races)"), "")
        )
    if remedy.breaks_even_at:
        once = f"{duration(remedy.one_off_s)} once, " if remedy.one_off_s > 0 else ""
        spans.append((_next(f"{once}pays after {counted(remedy.breaks_even_at, label_of(remedy.unit))}"), ""))
    if remedy.quality:
        spans.append((f" ·{GLUE}{remedy.quality}", ""))
    return tuple(spans)


def _safety_words(remedy: RemedyResult) -> str:
    """Says what a remedy does to the numbers, and whether a trial checked it."""
    if (
        remedy.time_to_target or remedy.safety == "semantics"
    ):  # which it stays, however much alike its first batches are
        return SAFETY_WORDS[remedy.safety]
    if remedy.verified_safety:
        return SAFETY_WORDS[remedy.verified_safety]
    return f"{SAFETY_WORDS[remedy.safety]} by its nature, not compared"


def _next(text: str) -> str:
    """One more thing on a line: it stays in one piece, and a new line begins with its dot."""
    return f" ·{GLUE}{text.replace(' ', GLUE)}"


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _distinct(remedies: Iterable[RemedyResult]) -> list[RemedyResult]:
    """Measured ones first; of several trials of one remedy with the same outcome in words, one."""
    order = ("measured", "inconclusive", "untried", "refuted")
    alike: dict[RemedyResult, RemedyResult] = {}
    for remedy in remedies:  # what is not tried is one and the same, whatever its trials would time
        tried = remedy.unit_ratio is not None or remedy.status in ("measured", "refuted")
        alike.setdefault(remedy if tried else replace(remedy, unit=""), remedy)
    return sorted(alike.values(), key=lambda remedy: order.index(remedy.status))


def _best_by_remedy(arms: Iterable[Tried]) -> dict[str, Tried]:
    best: dict[str, Tried] = {}
    for arm in arms:
        if arm.remedy not in best or (arm.unit_ratio or 0) > (best[arm.remedy].unit_ratio or 0):
            best[arm.remedy] = arm
    return best


def _placebo(tried: Iterable[Tried]) -> str:
    """Says how far the baseline differed from itself: what any other difference must exceed."""
    worst: dict[str, float] = {}
    for arm in tried:
        if arm.role == "placebo" and arm.unit_ratio:
            worst[arm.unit] = max(worst.get(arm.unit, 1.0), arm.unit_ratio, 1 / arm.unit_ratio)
    if not worst:
        return ""
    parts = ", ".join(f"{deviation(value)} (per {label_of(unit)})" for unit, value in worst.items())
    return f"Identical arms differed by {parts}: less than that proves nothing."
