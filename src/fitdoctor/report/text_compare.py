"""The comparison of two runs for a terminal, as one string. What makes it unfair comes first."""

from __future__ import annotations

from collections.abc import Iterable

from fitdoctor.report.canvas import Canvas
from fitdoctor.report.compare import CausePair, Comparison, PartPair
from fitdoctor.report.figures import ratio
from fitdoctor.wording import duration

PLAIN_WIDTH = 80

# Smaller parts of both runs are summed up in one line. It is left out if the sum is smaller, too.
SHOWN_SHARE = 0.01

# Below this ratio, the two times are the same in the digits that are shown.
SAME = 1.005

LABEL_COLUMNS = 36
TIME_COLUMNS = 12

ONE_RUN_EACH = (
    "This compares one run with one run. Two runs of the same script can differ, too. "
    "To prove a saving, let “fitdoctor diagnose” try the change, or time several whole runs of both in turns."
)


def render_comparison(
    comparison: Comparison, *, width: int = PLAIN_WIDTH, color: bool = False, ascii_only: bool = False
) -> str:
    """Renders a comparison.

    Example:
        >>> print(render_comparison(comparison, width=100))
    """
    canvas = Canvas(width=width, color=color, ascii_only=ascii_only)
    canvas.blank()
    canvas.block(comparison.a, prefix=("  A  ", "bold"))
    canvas.block(comparison.b, prefix=("  B  ", "bold"))
    canvas.blank()
    if comparison.differences:
        canvas.block(
            ("Unfair comparison: the two runs differ in more than speed.", "yellow"), prefix=("  !  ", "yellow")
        )
        for difference in comparison.differences:
            canvas.block(difference, prefix="     · ")
        canvas.blank()
    canvas.block((_headline(comparison), "bold"))
    if comparison.ratio is not None:
        canvas.block((ONE_RUN_EACH, "dim"))
    canvas.blank()
    _draw_parts(canvas, comparison.parts, max(comparison.a_s, comparison.b_s))
    _draw_causes(canvas, comparison.causes)
    canvas.blank()
    return canvas.text()


def _headline(comparison: Comparison) -> str:
    times = f"{duration(comparison.a_s)} in A, {duration(comparison.b_s)} in B"
    if comparison.incomparable:
        return f"{times}. These times can't be compared: {comparison.incomparable}."
    if comparison.ratio is None:
        return f"{times}."
    if 1 / SAME < comparison.ratio < SAME:
        return f"{times}: the same."
    faster, slower, times_as_fast = (
        ("B", "A", comparison.ratio) if comparison.ratio >= 1 else ("A", "B", 1 / comparison.ratio)
    )
    return f"{times}: {faster} was {ratio(times_as_fast)} as fast as {slower}."


def _draw_parts(canvas: Canvas, parts: Iterable[PartPair], whole_s: float) -> None:
    columns = _label_columns(canvas)
    head = f"{'Where the time goes':<{columns + 2}}" + "".join(
        f"{title:>{TIME_COLUMNS}}" for title in ("A", "B", "B - A")
    )
    canvas.cropped((head, "bold"))
    large = [part for part in parts if max(part.a_s, part.b_s) >= SHOWN_SHARE * whole_s]
    small = [part for part in parts if part not in large and max(part.a_s, part.b_s) > 0]
    rows = [(part.label, part.a_s, part.b_s) for part in sorted(large, key=lambda part: -abs(part.difference_s))]
    if max(sum(part.a_s for part in small), sum(part.b_s for part in small)) >= SHOWN_SHARE * whole_s:
        label = small[0].label if len(small) == 1 else f"{len(small)} smaller parts"
        rows.append((label, sum(part.a_s for part in small), sum(part.b_s for part in small)))
    for label, a_s, b_s in rows:
        sign = "+" if b_s > a_s else ""
        times = "".join(
            f"{time:>{TIME_COLUMNS}}" for time in (duration(a_s), duration(b_s), sign + duration(b_s - a_s))
        )
        canvas.cropped(f"{_short(label, columns)}{times}", prefix="    ")


def _draw_causes(canvas: Canvas, causes: Iterable[CausePair]) -> None:
    found = list(causes)
    columns = _label_columns(canvas)
    canvas.blank()
    canvas.block(("Causes", "bold") if found else "Neither has a cause.")
    for change, style in (("gone", "green"), ("new", "red"), ("still", "yellow")):
        for cause in found:
            if cause.change == change:
                times = f"{_cost(cause.a_s):>{TIME_COLUMNS}}{_cost(cause.b_s):>{TIME_COLUMNS}}"
                canvas.cropped((f"{change:<7}", style), f"{_short(cause.id, columns - 7)}{times}", prefix="    ")


def _label_columns(canvas: Canvas) -> int:
    return min(LABEL_COLUMNS, max(12, canvas.width - 4 - 3 * TIME_COLUMNS))


def _short(label: str, columns: int) -> str:
    return f"{label if len(label) < columns else label[: columns - 2] + '…':<{columns}}"


def _cost(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)
