"""The report for a terminal, as one string."""

from __future__ import annotations

import shlex

from fitdoctor.report.canvas import Canvas
from fitdoctor.report.figures import share
from fitdoctor.report.model import Report
from fitdoctor.report.source_places import SourcePlaces
from fitdoctor.report.text_budget import draw_budget
from fitdoctor.report.text_causes import draw_causes
from fitdoctor.report.text_files import protection, shortened
from fitdoctor.report.text_summary import draw_header, draw_summary, draw_time
from fitdoctor.report.text_trials import draw_other_trials

# Columns of a report that goes into a file or a pipe.
PLAIN_WIDTH = 80

# How many times as long a diagnosis should be after one that could not decide.
MORE_TIME = 2


def render(
    report: Report,
    *,
    width: int = PLAIN_WIDTH,
    color: bool = False,
    ascii_only: bool = False,
    links: bool = False,
    ran_in: str = "",
) -> str:
    """Renders a report.

    Args:
        report: What to render.
        width: Columns of the terminal.
        color: Whether to use ANSI codes.
        ascii_only: Whether the stream can show no more than ASCII.
        links: Whether places in the source are hyperlinks. They need `color`.
        ran_in: The folder where the script was started; the current folder where it is not known.

    Example:
        >>> print(render(report, width=100))
    """
    canvas = Canvas(width=width, color=color, ascii_only=ascii_only)
    places = SourcePlaces(report, ran_in=ran_in, links=links)
    canvas.blank()
    if report.interrupted:
        canvas.block(*places.spans(report.interrupted), prefix=("  !  ", "bold yellow"))
        canvas.blank()
    draw_header(canvas, report)
    canvas.blank()
    draw_summary(canvas, report, places)
    canvas.blank()
    draw_budget(canvas, report.budget)
    _draw_list(canvas, "The machine", report.system.remarks if report.system is not None else ())
    draw_causes(canvas, report, places)
    draw_other_trials(canvas, report)
    _draw_list(
        canvas,
        "Not measured or not tried",
        tuple(limit for limit in report.limits if limit != report.interrupted),
        places,
    )
    _draw_files(canvas, report)
    _draw_list(canvas, "What else your script did during the trials", report.side_effects)
    _draw_next(canvas, report)
    return canvas.text()


def _draw_files(canvas: Canvas, report: Report) -> None:
    """What became of the user's files while the script was tried."""
    changed, said = shortened(report.changed_files), protection(report.protection, report.protection_note)
    title = (
        "What your script would have changed on disk"
        if report.protection == "layer"
        else "Changed on disk while your script was tried"
    )
    if not changed:
        title = "Files"
    _draw_list(canvas, title, (*changed, *([said] if said else [])))


def render_first_answer(
    report: Report,
    *,
    width: int = PLAIN_WIDTH,
    color: bool = False,
    ascii_only: bool = False,
    links: bool = False,
    ran_in: str = "",
) -> str:
    """Renders what is known before the trials: the time, where it goes, and the suspected causes."""
    canvas = Canvas(width=width, color=color, ascii_only=ascii_only)
    places = SourcePlaces(report, ran_in=ran_in, links=links)
    canvas.blank()
    draw_header(canvas, report)
    canvas.blank()
    draw_time(canvas, report)
    canvas.block(("First answer: no fix has been tried yet. Costs are estimates.", "yellow"))
    canvas.blank()
    draw_budget(canvas, report.budget)
    suspects = [cause for cause in report.causes if cause.status != "informative"]
    if suspects:
        canvas.blank()
        canvas.block(("Suspected", "bold"))
    for cause in suspects:
        place = cause.locations[0] if cause.locations else None
        where = (("   ", ""), (places.text(place), places.style(place))) if place else ()
        canvas.block((cause.id, "bold"), *where, f"   {share(cause.share)}", prefix="  ?  ")
    canvas.blank()
    return canvas.text()


def _draw_list(canvas: Canvas, title: str, items: tuple[str, ...], places: SourcePlaces | None = None) -> None:
    if not items:
        return
    canvas.blank()
    canvas.block((title, "bold"))
    for item in items:
        canvas.block(*(places.spans(item) if places else [item]), prefix="    · ")


def _draw_next(canvas: Canvas, report: Report) -> None:
    fixes = "this fix" if report.prescription and len(report.prescription.remedies) == 1 else "these fixes"
    commands = [(report.treat, f"train now with {fixes}; your source is not changed")] if report.treat else []
    commands += [(f"fitdoctor explain {cause.id}", "why it is slow, and what to write") for cause in report.causes[:1]]
    if report.run and report.can_go_on and report.stage == "watched":
        commands.append((f"fitdoctor diagnose {shlex.quote(report.run)}", "try what makes it faster"))
    elif report.run and report.can_go_on and report.verdict == "inconclusive":
        longer_s = MORE_TIME * report.seconds.get("budget", 0.0)
        budget = f"--budget {longer_s:.0f} " if longer_s else ""
        commands.append((f"fitdoctor diagnose {budget}{shlex.quote(report.run)}", "diagnose it again, with more time"))
    if report.run:
        commands.append((f"fitdoctor report {shlex.quote(report.run)}", "this report again"))
    if not commands:
        return
    canvas.blank()
    canvas.block(("Next", "bold"))
    column = max(len(command) for command, _ in commands)
    for command, purpose in commands:
        aligned = (f"{command:<{column}}   ", "cyan")
        if all(canvas.fits("    ", f"{each:<{column}}   ", words) for each, words in commands):
            canvas.block(aligned, purpose, prefix="    ")
        else:
            canvas.command(command, style="cyan", prefix="    ")
            canvas.block(purpose, prefix="        ")
    canvas.blank()
