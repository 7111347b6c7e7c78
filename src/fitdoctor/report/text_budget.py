"""Where the time goes: each part of the budget with its share, its time and a bar."""

from __future__ import annotations

from fitdoctor.report.canvas import Canvas
from fitdoctor.report.figures import share
from fitdoctor.report.model import Budget, Part
from fitdoctor.wording import duration

# Smaller parts are summed up in one line: their bars would be empty.
SHOWN_SHARE = 0.01

# Only larger parts show their children: the children of smaller ones can't matter.
SPLIT_SHARE = 0.05

UNATTRIBUTED = "unattributed"

LABEL_COLUMNS = 28
SHARE_COLUMNS = 6
TIME_COLUMNS = 12
MARGIN = 2


def draw_budget(canvas: Canvas, budget: Budget) -> None:
    """Draws the parts, the largest first. They sum to the whole; time that is not attributed comes last."""
    if budget.total_s <= 0:
        return
    canvas.block(("Where the time goes", "bold"))
    parts = [part for part in budget.parts if part.id != UNATTRIBUTED]
    large = sorted((part for part in parts if part.share >= SHOWN_SHARE), key=lambda part: -part.share)
    small = [part for part in parts if 0 < part.share < SHOWN_SHARE]
    for part in large:
        _draw_part(canvas, part)
    if len(small) == 1:
        _draw_part(canvas, small[0])
    elif small:
        _draw_row(
            canvas, f"{len(small)} smaller parts", sum(part.s for part in small), sum(part.share for part in small)
        )
    _draw_row(canvas, "not attributed", budget.unattributed_s, budget.unattributed_s / budget.total_s)
    overlapped = sorted((part for part in budget.overlapped if part.share >= SHOWN_SHARE), key=lambda part: -part.s)
    if overlapped:
        words = ", ".join(f"{part.label} {duration(part.s)}" for part in overlapped)
        canvas.block(f"Done while the device computes, at no cost: {words}.", prefix=" " * 2 * MARGIN)


def _draw_part(canvas: Canvas, part: Part, depth: int = 0) -> None:
    _draw_row(canvas, "  " * depth + part.label, part.s, part.share)
    if part.share < SPLIT_SHARE:
        return
    for child in sorted(part.children, key=lambda child: -child.share):
        if child.share >= SHOWN_SHARE:
            _draw_part(canvas, child, depth + 1)


def _draw_row(canvas: Canvas, label: str, seconds: float, part: float) -> None:
    columns = max(canvas.width - 2 * MARGIN - LABEL_COLUMNS - SHARE_COLUMNS - TIME_COLUMNS - 2, 0)
    if len(label) >= LABEL_COLUMNS:
        label = label[: LABEL_COLUMNS - 4] + "…"
    row = f"{label:<{LABEL_COLUMNS}}{share(part):>{SHARE_COLUMNS}}{duration(seconds):>{TIME_COLUMNS}}"
    bar = f"  {canvas.bar(part, columns)}" if columns else ""
    canvas.cropped(row, (bar, "cyan"), prefix=" " * 2 * MARGIN)
