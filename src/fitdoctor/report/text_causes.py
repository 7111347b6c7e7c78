"""The causes: where each is, what it costs, its evidence, and what trials said of its fixes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from fitdoctor.report.canvas import Canvas
from fitdoctor.report.figures import GLUE, duration_range, ratio, share, speedup
from fitdoctor.report.model import CauseResult, Interval, RemedyResult, Report, Variant
from fitdoctor.report.source_places import SourcePlaces
from fitdoctor.report.text_trials import because, per_unit
from fitdoctor.trial_units import label_of
from fitdoctor.wording import SAFETY_WORDS, duration, plural

# The sign and its colour in front of a remedy, by its status.
STATUS_SIGNS = {
    "measured": ("✓", "green"),
    "refuted": ("✗", "red"),
    "inconclusive": ("?", "yellow"),
    "untried": ("?", "yellow"),
}

INDENT = "     "

# Where a cost may be less than this part of its upper end, only the upper end is shown.
WIDE_INTERVAL = 10


@dataclass(slots=True)
class _Drawn:
    """What stands under earlier causes already, so that nothing is repeated."""

    lines: set[tuple[str, int]] = field(default_factory=set)
    evidence: set[str] = field(default_factory=set)
    remedies: dict[RemedyResult, str] = field(default_factory=dict)


def draw_causes(canvas: Canvas, report: Report, places: SourcePlaces) -> None:
    """Draws every cause: its place, its cost, its evidence, and each remedy with the verdict of its trial."""
    if report.causes:
        canvas.blank()
        canvas.block((_heading(report), "bold"))
    rank, drawn = 0, _Drawn()
    for index, cause in enumerate(report.causes):
        informative = cause.status == "informative"
        rank += not informative
        if index:
            canvas.blank()
        _draw_head(canvas, cause, "i" if informative else str(rank), places, drawn)
        if not informative:
            canvas.block(*_cost(cause, _same_seconds_as(report, cause)), prefix=INDENT)
        for evidence in cause.evidence:
            if evidence.text not in drawn.evidence:
                canvas.block((evidence.text, "dim"), prefix=f"{INDENT}· ")
                drawn.evidence.add(evidence.text)
        for remedy in _distinct(cause.remedies):
            if remedy in drawn.remedies:
                _draw_reference(canvas, remedy, drawn.remedies[remedy])
                continue
            _draw_remedy(canvas, remedy, pending=_is_pending(report, remedy), timed=_was_timed(report, cause, remedy))
            drawn.remedies[remedy] = str(rank)


def _heading(report: Report) -> str:
    statuses = {cause.status for cause in report.causes}
    return "Causes" if "measured" in statuses else "Suspected causes" if "estimated" in statuses else "Good to know"


def _draw_head(canvas: Canvas, cause: CauseResult, number: str, places: SourcePlaces, drawn: _Drawn) -> None:
    place = cause.locations[0] if cause.locations else None
    prefix = f"  {number}  "
    head = [(cause.id, "bold")]
    if place:
        head += [("   ", ""), (places.text(place), places.style(place))]
    title = (f"   {cause.title}", "")
    if canvas.fits(prefix, *head, title):
        canvas.block(*head, title, prefix=(prefix, "bold"))
    else:
        canvas.block(*head, prefix=(prefix, "bold"))
        canvas.block(cause.title, prefix=INDENT)
    if place and place.code.strip() and (place.file, place.line) not in drawn.lines:
        canvas.cropped((place.code.strip(), "cyan"), prefix=(f"{INDENT}│ ", "dim"))
    others = [other for other in cause.locations[1:] if (other.file, other.line) not in drawn.lines]
    if others:
        spans = [("also ", "dim")]
        for other in others:
            spans += [(places.text(other), f"dim {places.style(other)}"), (", ", "dim")]
        canvas.block(*spans[:-1], prefix=INDENT)
    drawn.lines.update((each.file, each.line) for each in cause.locations)


def _cost(cause: CauseResult, same_as: int) -> tuple[tuple[str, str], ...]:
    seconds, estimated = cause.cost_s, cause.status == "estimated"
    cost, most = duration_range(seconds.low, seconds.high), share(cause.share)
    if seconds.low < seconds.high / WIDE_INTERVAL:
        at_most = cause.share * seconds.high / seconds.mid if seconds.mid else cause.share
        cost, most = f"up to {duration(seconds.high)}", f"up to {share(min(1.0, at_most))}"
    notes = (
        [most] * (cause.share > 0)
        + [f"partly the same seconds as cause{GLUE}{same_as}"] * (same_as > 0)
        + ["estimated"] * estimated
    )
    rest = f" of this training ({', '.join(notes)})." if notes else " of this training."
    return ("May cost " if estimated else "Costs ", ""), (cost.replace(" ", GLUE), "bold"), (rest, "")


def _same_seconds_as(report: Report, cause: CauseResult) -> int:
    """The rank of an earlier cause that costs some of the same wait for input, or 0.

    Both together cost more than the whole wait.
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
    """Whether any window of a remedy was timed before the budget ran out.

    One trial may stand for several causes. It is listed under the first.
    """
    arms = [arm for arm in report.tried if (arm.remedy, arm.unit) == (remedy.id, remedy.unit)]
    own = [arm for arm in arms if arm.cause == cause.id] or arms
    return not own or any(arm.windows for arm in own)


def _is_pending(report: Report, remedy: RemedyResult) -> bool:
    """Whether a remedy that was not tried may be tried by a diagnosis that follows."""
    return report.stage == "first answer" or report.stage == "watched" and not remedy.why


def _draw_reference(canvas: Canvas, remedy: RemedyResult, cause: str) -> None:
    sign, style = STATUS_SIGNS[remedy.status]
    canvas.block(f"{remedy.title}: see cause {cause}", prefix=(f"{INDENT}{sign} ", style))


def _draw_remedy(canvas: Canvas, remedy: RemedyResult, *, pending: bool, timed: bool) -> None:
    sign, style = STATUS_SIGNS[remedy.status]
    prefix = (f"{INDENT}{sign} ", style)
    why = because(remedy.why.removeprefix("Could not be tried: "))
    unit_ratio = remedy.unit_ratio
    match remedy.status:
        case "measured":
            canvas.block(*_measured(remedy), prefix=prefix)
        case "refuted":
            gain = f" ({per_unit(ratio(unit_ratio.mid), remedy.unit)})" if unit_ratio else ""
            canvas.block(f"{remedy.title}: tried, no gain{gain}{why}", prefix=prefix)
        case "inconclusive":
            gain = f" ({per_unit(speedup(unit_ratio), remedy.unit)})" if unit_ratio else ""
            canvas.block(f"{remedy.title}: {'tried, not decided' if timed else 'not tried'}{gain}{why}", prefix=prefix)
        case "untried" if pending:
            canvas.block(f"{remedy.title}: not tried", prefix=prefix)
        case "untried" if remedy.speedup:
            gain = f"training {_as_fast(remedy.speedup)}, computed"
            canvas.block(f"{remedy.title}: {gain}{why}", prefix=f"{INDENT}· ")
        case "untried":
            canvas.block(f"{remedy.title}: {'could not be tried' if remedy.why else 'not tried'}{why}", prefix=prefix)
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
    words = {"refuted": ", no gain", "inconclusive": ", not decided"}
    verdict = "" if raced else words.get(variant.verdict, "")  # a single race of a setting proves nothing
    return f"{label} ({ratio(variant.unit_ratio)}{verdict})"


def _measured(remedy: RemedyResult) -> tuple[tuple[str, str], ...]:
    spans = [(f"{remedy.title}: ", "")]
    if remedy.speedup:
        spans += [(f"training{GLUE}", ""), (_as_fast(remedy.speedup), "bold green")]
        if remedy.unit_ratio and not remedy.time_to_target:
            spans.append((_next(per_unit(ratio(remedy.unit_ratio.mid), remedy.unit)), ""))
    elif remedy.unit_ratio:
        spans.append((per_unit(speedup(remedy.unit_ratio), remedy.unit), "bold green"))
    spans.append((_next(_safety_words(remedy)), ""))
    if race := remedy.time_to_target:
        sooner = f"reaches the same {race.metric} {ratio(race.mid)} sooner"
        if race.beyond:
            sooner = f"reaches a better {race.metric}, at least {ratio(race.mid)} sooner"
        if race.by_rule:
            sooner = f"its own stopping rule ends it {ratio(race.mid)} sooner"
        spans.append((_next(sooner), ""))
        bounds = f"95 % interval {share(race.reached_low)} to {share(race.reached_high)}"
        spans.append((_next(f"in {race.reached[0]} of {plural(race.reached[1], 'race')} ({bounds})"), ""))
    if remedy.breaks_even_at:
        once = f"{duration(remedy.one_off_s)} once, " if remedy.one_off_s > 0 else ""
        spans.append((_next(f"{once}pays off after {plural(remedy.breaks_even_at, label_of(remedy.unit))}"), ""))
    if remedy.quality:
        spans.append((f" ·{GLUE}{remedy.quality}", ""))
    return tuple(spans)


def _as_fast(interval: Interval) -> str:
    """The speed-up of the whole training: "2.9× as fast [2.7, 3.1]"."""
    factor, bounds = speedup(interval).split(" ", 1)
    return f"{factor} as fast {bounds}".replace(" ", GLUE)


def _safety_words(remedy: RemedyResult) -> str:
    """Says what a remedy does to the numbers, and whether a trial checked it."""
    if remedy.time_to_target or remedy.safety == "semantics":  # however equal its first batches are
        return SAFETY_WORDS[remedy.safety]
    if remedy.verified_safety:
        return SAFETY_WORDS[remedy.verified_safety]
    return f"{SAFETY_WORDS[remedy.safety]} (not compared)"


def _next(text: str) -> str:
    """One more item on a line: it stays in one piece, and a new line begins with its dot."""
    return f" ·{GLUE}{text.replace(' ', GLUE)}"


def _distinct(remedies: Iterable[RemedyResult]) -> list[RemedyResult]:
    """Measured ones first; of several trials of one remedy with the same outcome in words, one."""
    order = ("measured", "inconclusive", "untried", "refuted")
    alike: dict[RemedyResult, RemedyResult] = {}
    for remedy in remedies:  # a remedy that was not tried is listed once, whatever unit its trials would time
        tried = remedy.unit_ratio is not None or remedy.status in ("measured", "refuted")
        alike.setdefault(remedy if tried else replace(remedy, unit=""), remedy)
    return sorted(alike.values(), key=lambda remedy: order.index(remedy.status))
