"""Puts into words how a scout ended, where there is nothing to diagnose or something to add."""

from __future__ import annotations

from fitdoctor.recording.model import Ending, Scout
from fitdoctor.trials.request import DiagnoseRequest


def learned_something(scout: Scout) -> bool:
    """Whether there is a unit whose cost is known."""
    fits = any(fit.step.count or fit.first_step.count for fit in scout.fits if not fit.declined)
    return fits or any(loop.run.count for loop in scout.loops)


def no_verdict(scout: Scout, request: DiagnoseRequest, killed: str = "") -> str:
    """Why there is nothing to diagnose: received, expected, and how to go on."""
    ending = scout.ending
    declined = [fit.declined for fit in scout.fits if fit.declined]
    if ending.how == "declined":
        return ending.message
    if declined:
        return f"{_at(scout.fits[0])}: {declined[0]}. Diagnose the training on one device, without the strategy."
    where = f" at {_place(ending)}" if ending.site else ""
    stage = "in fit" if scout.fits else "before it called fit"
    if ending.how == "exception":
        return _exception(ending, where, stage, request)
    if ending.how == "exit":
        said = f" and the message “{ending.message}”" if ending.message else ""
        return (
            f"The script left with exit code {ending.code}{said}{where}, {stage}. "
            "Expected it to train. Check the arguments that it was given: they follow the script's name."
        )
    if ending.how == "blocked-write":
        return (
            f"The script was about to change {ending.message}{where}, a file that was there before, {stage}. "
            "Nothing was changed. Pass --allow-writes if it may, or diagnose a copy of the folder."
        )
    if ending.how == "limit":
        return (
            f"After {request.budget_s:.0f} s the script had not reached fit: it was{where or ' in its set-up'}. "
            "Expected the set-up to be shorter than the budget. "
            f"Pass a larger one, for instance --budget {request.budget_s * 4:.0f}, or diagnose on a part of the data."
        )
    if ending.how == "finished":
        used = "imported Keras but called none of its fit, evaluate, predict or …_on_batch" if scout.environment else "never imported Keras"
        return f"The script ran to its end and {used}. Expected a script that trains a Keras model with fit."
    return f"The script's process ended {stage}{': ' + killed if killed else ''}. Run it once with python to see whether it works by itself."


def remark(scout: Scout, killed: str = "") -> str:
    """What to say about an ending that came after something was learned; empty for a plain one."""
    ending = scout.ending
    where = f" at {_place(ending)}" if ending.site else ""
    if ending.how == "exception":
        return (
            f"The script ended with {ending.error}: {_short(ending.message)}{where}, after its units were cut short. "
            "What came before it was learned; what follows it was not seen."
        )
    if ending.how == "blocked-write":
        return f"The run-through ended before the script changed {ending.message}{where}; what follows was not seen (--allow-writes)."
    if ending.how == "limit":
        return f"The run-through was ended{where} when its time was up; what follows was not seen, and counts are lower bounds."
    if ending.how == "exit" and ending.code:
        return f"The script left with exit code {ending.code}{where}."
    if ending.how == "interrupted":
        return "The run-through was interrupted; what follows was not seen."
    if ending.how == "unfinished":
        return f"The run-through did not end by itself{': ' + killed if killed else ''}; what follows was not seen."
    return ""


def _exception(ending: Ending, where: str, stage: str, request: DiagnoseRequest) -> str:
    if ending.error == "EOFError":
        return (
            f"The script asked for input{where}, {stage}, and there was none: it is run several times, without a terminal. "
            "Pipe the answers in (fitdoctor diagnose train.py < answers.txt) or pass them as arguments."
        )
    if ending.error == "ModuleNotFoundError":
        return (
            f"{_short(ending.message)}{where}. It was run with {request.python}. "
            "Expected the interpreter of the training's own environment: name it with --python, or install fitdoctor there."
        )
    if ending.error == "SyntaxError":
        return f"The script does not compile: {_short(ending.message)}."
    return (
        f"The script ended with {ending.error}: {_short(ending.message)}{where}, {stage}. "
        "Expected it to run without error. Run it once with python, then diagnose it."
    )


def _place(ending: Ending) -> str:
    assert ending.site is not None
    name = ending.site.file.rsplit("/", 1)[-1]
    return f"{name}:{ending.site.line}" + (f" ({ending.site.code})" if ending.site.code else "")


def _at(fit: object) -> str:
    site = fit.site  # type: ignore[attr-defined]
    return f"{site.file.rsplit('/', 1)[-1]}:{site.line}"


def _short(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:300] if lines else ""
