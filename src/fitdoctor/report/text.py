"""The report for a terminal, as one string."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.report.canvas import Canvas
from fitdoctor.report.figures import GLUE, counted, duration, ratio, share, speedup
from fitdoctor.report.model import BACKENDS, Environment, FitSummary, LoopSummary, Prescription, Report, Training
from fitdoctor.report.text_budget import draw_budget
from fitdoctor.report.text_causes import SAFETY_WORDS, draw_causes, draw_tried_in_vain
from fitdoctor.report.text_files import protection, shortened

PLAIN_WIDTH = 80
"""Columns of a report that goes into a file or a pipe."""

WORTH_A_LINE = 1.05
"""A ceiling below this can't hold a saving that counts, see the 5 % rule of the verdict."""
NEARLY = 0.9
"""Of what a cause is known to cost: a ceiling that gives less than that much is of another kind, and the lesser one."""

WHOLE_LENGTH = 40
"""Texts up to this length move to the next line as a whole; longer ones would leave too much of a line empty."""

BASIS_WORDS = {
    "declared": "{time} as it stands",
    "observed": "{time} as it stands, for as long as it was seen to run",
    "upper bound": "at most {time} as it stands: it may stop early",
    "unknown": "at least {time} as it stands: how long an epoch is could not be learned",
}

WATCHED_WORDS = "it took {time}"


def render(report: Report, *, width: int = PLAIN_WIDTH, color: bool = False, ascii_only: bool = False) -> str:
    """Renders a report.

    Args:
        report: What to render.
        width: Columns of the terminal.
        color: Whether to use ANSI codes.
        ascii_only: Whether the stream can't show more than ASCII.

    Example:
        >>> print(render(report, width=100))
    """
    canvas = Canvas(width=width, color=color, ascii_only=ascii_only)
    canvas.blank()
    if report.interrupted:
        canvas.block((report.interrupted, "bold yellow"), prefix=("  !  ", "yellow"))
        canvas.blank()
    _draw_header(canvas, report)
    _draw_headline(canvas, report)
    canvas.blank()
    draw_budget(canvas, report.budget)
    _draw_list(canvas, "The machine", report.system.remarks if report.system is not None else ())
    draw_causes(canvas, report)
    draw_tried_in_vain(canvas, report)
    _draw_prescription(canvas, report)
    _draw_list(
        canvas,
        "What could not be seen or tried",
        tuple(limit for limit in report.limits if limit != report.interrupted),
    )
    _draw_files(canvas, report)
    _draw_list(canvas, "What your script did beside, in the runs that were tried", report.side_effects)
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
    report: Report, *, width: int = PLAIN_WIDTH, color: bool = False, ascii_only: bool = False
) -> str:
    """Renders what is known before anything was tried: the headline, the time, and what is suspected."""
    canvas = Canvas(width=width, color=color, ascii_only=ascii_only)
    canvas.blank()
    _draw_header(canvas, report)
    canvas.block(("First answer: nothing is tried yet, costs are estimates.", "yellow"))
    canvas.blank()
    draw_budget(canvas, report.budget)
    suspects = [cause for cause in report.causes if cause.status != "informative"]
    if suspects:
        canvas.blank()
        canvas.block(("Suspected", "bold"))
    for cause in suspects:
        where = f"   {cause.locations[0].file}:{cause.locations[0].line}" if cause.locations else ""
        canvas.block((cause.id, "bold"), (where, "cyan"), f"   {share(cause.share)}, not tried yet", prefix="  ?  ")
    canvas.blank()
    return canvas.text()


def _draw_header(canvas: Canvas, report: Report) -> None:
    training = report.training
    canvas.block((report.script, "bold"), *_dotted(_stack(report.environment, training)))
    words = WATCHED_WORDS if report.stage == "watched" else BASIS_WORDS[training.basis]
    time = words.format(time=duration(training.projected_s))
    canvas.block(_work(training), *_dotted(time))


def _draw_headline(canvas: Canvas, report: Report) -> None:
    canvas.blank()
    if report.stage == "first answer":
        canvas.block("Nothing was tried: costs are estimates.", prefix=("  ?  ", "yellow"))
    if report.verdict == "causes" and report.prescription:
        chosen = report.prescription
        fixes = "fix" if len(chosen.remedies) == 1 else f"{len(chosen.remedies)} fixes"
        first = (speedup(chosen.speedup), "bold green")
        rest = f": {duration(chosen.projected_s)} instead of {duration(report.training.projected_s)} with the {fixes} below."
        canvas.block(first, rest, prefix=("  ▶  ", "green"))
    elif report.verdict == "causes":
        canvas.block((report.verdict_text, "bold"), prefix=("  ▶  ", "green"))
    elif report.verdict == "healthy":
        canvas.block(("Healthy. ", "bold green"), report.verdict_text, prefix=("  ✓  ", "green"))
    elif report.stage == "watched":
        canvas.block(("Only watched. ", "bold yellow"), report.verdict_text, prefix=("  ?  ", "yellow"))
    else:
        canvas.block(("Inconclusive. ", "bold yellow"), report.verdict_text, prefix=("  ?  ", "yellow"))
    if report.alternative:
        _draw_alternative(canvas, report.alternative)
    for sentence in _ceilings(report):
        canvas.block(sentence, prefix="     ")


def _draw_alternative(canvas: Canvas, other: Prescription) -> None:
    """Says what changing the training would give, which is never mixed with what leaves it as it is."""
    rest = f": {duration(other.projected_s)} with {' and '.join(other.remedies)}, another training that comes to the same loss sooner."
    canvas.block("Or ", (speedup(other.speedup), "bold green"), rest, prefix="     ")


def _ceilings(report: Report) -> Iterator[str]:
    """Says what fixes of one kind can give at most by themselves; for input also that it is nothing, which spares a
    search.

    A kind that gives less than what is prescribed, or than what a cause costs, is not where the answer lies, and is not
    spoken of.
    """
    costliest = max((cause.cost_s.low for cause in report.causes if cause.status != "informative"), default=0.0)
    without = report.training.projected_s / max(report.training.projected_s - NEARLY * costliest, 1e-9)
    least = max(WORTH_A_LINE, report.prescription.speedup.mid if report.prescription else without)
    measured = [ceiling for ceiling in report.ceilings if ceiling.measured]
    worth = [ceiling for ceiling in measured if ceiling.speedup >= least]
    if worth:
        projected_s = report.training.projected_s
        limits = ", ".join(
            f"{each.kind} {ratio(each.speedup)} ({duration(projected_s / each.speedup)})" for each in worth
        )
        yield f"The most that fixes of one kind alone can give: {limits}."
    if any(ceiling.kind == "input" and ceiling.speedup < WORTH_A_LINE for ceiling in measured):
        yield "Even with input for free it would take as long: input is not what holds it up."


def _where_compared(report: Report) -> str:
    """Says that a trial could not compare the numbers of every remedy that is prescribed."""
    chosen = report.prescription.remedies if report.prescription else ()
    applied = [
        remedy
        for cause in report.causes
        for remedy in cause.remedies
        if remedy.id in chosen and remedy.status == "measured"
    ]
    return (
        ""
        if all(remedy.verified_safety or remedy.time_to_target for remedy in applied)
        else " where they were compared"
    )


def _draw_prescription(canvas: Canvas, report: Report) -> None:
    chosen = report.prescription
    if chosen is None:
        return
    canvas.blank()
    label = "  Together  " if len(chosen.remedies) > 1 else "  With it   "
    apart = "" if chosen.measured_together or len(chosen.remedies) < 2 else "projected, not measured together"
    together = "measured as a whole in a fresh process" if chosen.measured_in == "fresh process" else apart
    between = chosen.projected
    span = f" (between {duration(between.low)} and {duration(between.high)})" if between is not None else ""
    canvas.block(
        f"{duration(chosen.projected_s)}{span} instead of {duration(report.training.projected_s)}",
        f" ·{GLUE}",
        (speedup(chosen.speedup), "bold green"),
        *_dotted(SAFETY_WORDS[chosen.safety] + _where_compared(report), together),
        prefix=(label, "bold"),
    )
    indent = " " * len(label)
    steps = _steps(report, chosen)
    if len(_measured(report)) > 1:  # with a single one, that is what stands above
        for title, how in steps:
            canvas.block(title, (f": {how}" if how else "", "bold"), prefix=f"{indent}+ ")
    if chosen.interaction:
        canvas.block(chosen.interaction, prefix=indent)
    shown = {how for _, how in steps}
    for line in chosen.how:
        if line not in shown:
            canvas.block("how: ", (line, "bold"), prefix=indent)


def _measured(report: Report) -> set[tuple[str, str]]:
    return {
        (remedy.title, remedy.how)
        for cause in report.causes
        for remedy in cause.remedies
        if remedy.status == "measured"
    }


def _steps(report: Report, chosen: Prescription) -> list[tuple[str, str]]:
    """What the chosen remedies are called, and what to write for each; a remedy for two places is two steps."""
    remedies = [remedy for cause in report.causes for remedy in cause.remedies if remedy.status == "measured"]
    steps: list[tuple[str, str]] = []
    for name in chosen.remedies:
        found = [
            (remedy.title, remedy.how)
            for remedy in remedies
            if remedy.id == name and (remedy.how in chosen.how or not remedy.how)
        ]
        steps += dict.fromkeys(found) or {(name, ""): None}
    return steps


def _draw_list(canvas: Canvas, title: str, items: tuple[str, ...]) -> None:
    if not items:
        return
    canvas.blank()
    canvas.block((title, "bold"))
    for item in items:
        canvas.block(item, prefix="    · ")


def _draw_next(canvas: Canvas, report: Report) -> None:
    fixes = "this fix" if report.prescription and len(report.prescription.remedies) == 1 else "these fixes"
    commands = [(report.treat, f"train now with {fixes}, source untouched")] if report.treat else []
    commands += [(f"fitdoctor explain {cause.id}", "why, and what to write instead") for cause in report.causes[:1]]
    if report.run and report.stage == "watched" and report.can_go_on:
        commands.append((f"fitdoctor diagnose {_quoted(report.run)}", "try what makes it faster"))
    if report.run:
        commands.append((f"fitdoctor report {_quoted(report.run)}", "this report again"))
    if not commands:
        return
    canvas.blank()
    column = max(len(command) for command, _ in commands)
    for index, (command, purpose) in enumerate(commands):
        prefix = "  Next  " if index == 0 else "        "
        lines = [(f"{command:<{column}}   ", purpose), (f"{command}   ", purpose), (command, "")]
        shown, words = next((line for line in lines if canvas.fits(prefix, *line)), lines[-1])
        canvas.whole((shown, "cyan"), words, prefix=(prefix, "bold"))
    canvas.blank()


def _stack(environment: Environment, training: Training) -> str:
    name = environment.backend or training.backend
    backend = BACKENDS.get(name, name)
    keras = f"Keras {environment.keras} on " if environment.keras else ""
    if name == "tf_keras":
        keras, backend = f"tf_keras {environment.keras} on ", BACKENDS["tensorflow"]
    software = f"{keras}{backend} {environment.backend_version}".strip()
    return f"{software}, {_device(environment)}" if software else _device(environment)


def _device(environment: Environment) -> str:
    """Names the accelerators, equal ones once; without any, the CPU."""
    others = [device for device in environment.devices if "cpu" not in device.lower()]
    names = [f"{others.count(name)} × {name}" if others.count(name) > 1 else name for name in dict.fromkeys(others)]
    device = ", ".join(names) or "CPU"
    core = "CPU core" if names else "core"
    return f"{device} ({counted(environment.cores, core)})" if environment.cores else device


def _work(training: Training) -> str:
    """Says what the training consists of: its largest fit, or where there is none, its largest loop."""
    fits = sorted(training.fits, key=lambda fit: -fit.share)
    loops = sorted(training.loops, key=lambda loop: -loop.share)
    if fits:
        more = counted(len(fits) - 1, "more fit")
        return _fit_words(fits[0]) + (f" and {more}" if len(fits) > 1 else "")
    return _loop_words(loops[0]) if loops else "no fit"


def _fit_words(fit: FitSummary) -> str:
    steps = f" × {counted(fit.steps_per_epoch, 'step')}" if fit.steps_per_epoch else ""
    once = f"{counted(fit.epochs, 'epoch')}{steps}".replace(" ", GLUE)
    return f"{counted(fit.calls, 'fit')} of {once}" if fit.calls > 1 else once


def _loop_words(loop: LoopSummary) -> str:
    return f"{counted(loop.calls, 'call')} of {loop.kind}"


def _dotted(*texts: str) -> list[str]:
    """Continues a line after a dot; short texts stay in one piece, and where a line wraps, the new one begins with the
    dot.
    """
    return [f" ·{GLUE}{text.replace(' ', GLUE) if len(text) <= WHOLE_LENGTH else text}" for text in texts if text]


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
