"""Puts into words why a scout gave nothing to diagnose."""

from __future__ import annotations

import shlex
import signal

from fitdoctor.facts.blocked_writes import action
from fitdoctor.process.request import OPTIONS, DiagnoseRequest
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Ending, Fit, ProcessRecord
from fitdoctor.trials import other_processes

LONGEST_ARGUMENTS = 80
"""Signs of a script's arguments that a message says again."""

UNREADABLE = "The script ran, but what was recorded of it can't be read back. That is a fault of fitdoctor, not of your script: please report it."


def learned_something(scout: ProcessRecord) -> bool:
    """Whether there is a unit whose cost is known."""
    fits = any(fit.step.count or fit.first_step.count for fit in scout.fits if not fit.declined)
    return fits or any(loop.run.count for loop in scout.loops)


def seen_from_outside(code: int | None, ran_out: str = "") -> Ending:
    """The ending of a scout that could not say itself how it ended.

    Args:
        code: The exit code of its process, None if it did not end.
        ran_out: Why it was ended for lack of memory, or "".
    """
    if ran_out:
        return Ending(how="killed", message=f"fitdoctor for lack of {ran_out}")
    if code is None:
        return Ending(how="limit")
    return Ending(how="killed", message=signal_name(-code)) if code < 0 else Ending(how="exit", code=code)


def signal_name(number: int) -> str:
    """SIGKILL and the like; real-time signals have only numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def never_started(request: DiagnoseRequest, code: int | None) -> str:
    """Why there is not even a beginning of a record: what `--python` names did not run our launcher."""
    how = (
        "did not end"
        if code is None
        else f"was killed by {signal_name(-code)}"
        if code < 0
        else f"ended with exit code {code}"
    )
    return (
        f"“{request.python}” {how} before it came to the script. Expected a working Python interpreter, 3.10 or later. "
        "Name that of the training's environment with --python, for instance “--python .venv/bin/python”."
    )


def no_verdict(scout: ProcessRecord, request: DiagnoseRequest) -> str:
    """Why there is nothing to diagnose: received, expected, and how to go on."""
    ending = scout.ending
    declined = next((fit for fit in scout.fits if fit.declined), None)
    if ending.how == "declined":
        return ending.message
    if declined is not None and ending.how != "exception":
        return f"{_at(declined)}: {declined.declined}."
    elsewhere = other_processes.declined(scout)
    if elsewhere:
        return elsewhere
    where = f" at {_place(ending)}" if ending.site else ""
    stage = "in fit, before a step was done" if scout.fits else "before it called fit"
    return " ".join([*scout.limits, _why(scout, where, stage, request)])


def _why(scout: ProcessRecord, where: str, stage: str, request: DiagnoseRequest) -> str:
    ending = scout.ending
    if ending.how == "exception":
        return _exception(ending, where, stage, request)
    if ending.how == "exit":
        said = f" and the message “{headline(ending.message)}”" if ending.message else ""
        return (
            f"The script left with exit code {ending.code}{said}{where}, {stage}. "
            "Expected it to train. Check the arguments that it was given: they follow the script's name."
        )
    if ending.how == "blocked-write":
        return (
            f"The script was about to {action(ending.error)} {ending.message}{where}, which the script did not make in this run, {stage}. "
            "It is as it was. Pass --allow-writes if the script may change it, or diagnose a copy of the folder."
        )
    if ending.how == "limit":
        return _limit(scout, where, request)
    if ending.how == "finished":
        return _finished(scout)
    if ending.how == "interrupted":
        return f"The script was interrupted{where}, {stage}, by itself or from outside. Expected it to train. Run it again."
    memory = ", perhaps for lack of memory" if ending.message == "SIGKILL" else ""
    return (
        f"The script's process was killed by {ending.message or 'something outside'}{memory}, {stage}. "
        "Expected it to train. Run it once with python to see whether it works by itself."
    )


def _limit(scout: ProcessRecord, where: str, request: DiagnoseRequest) -> str:
    spent_s = scout.wall_s or request.budget_s
    stuck = "had not done a step of fit" if scout.fits else "had not reached fit"
    return (
        f"After {spent_s:.0f} s the script {stuck}: it was{where or ' in its set-up'}. "
        "Expected what comes before the first step to be shorter than the budget. "
        f"Pass a larger one, for instance --budget {request.budget_s * 4:.0f}, or diagnose on a part of the data."
    )


def _finished(scout: ProcessRecord) -> str:
    if scout.fits:
        fit = scout.fits[0]
        why = "epochs=0" if fit.epochs <= fit.initial_epoch else "its input may be empty"
        return f"The script ran to its end, but fit at {_at(fit)} did no step: {why}. Expected a fit with at least one step."
    if scout.limits:
        return "Expected a script that trains a Keras model with fit."
    none = "imported Keras but called none of its fit, evaluate, predict or …_on_batch"
    used = none if scout.environment else "never imported Keras"
    return f"The script ran to its end and {used}. Expected a script that trains a Keras model with fit."


def _exception(ending: Ending, where: str, stage: str, request: DiagnoseRequest) -> str:
    if ending.error == "EOFError":
        return (
            f"The script asked for input{where}, {stage}, and there was none: it is run several times, without a terminal. "
            f"Pipe the answers in ({_with_answers(request)}) or pass them as arguments."
        )
    if ending.error == "ModuleNotFoundError":
        return (
            f"{headline(ending.message)}{where}. It was run with {request.python}. "
            "Expected the interpreter of the training's own environment: name it with --python, or install fitdoctor there."
        )
    if ending.error == "SyntaxError":
        return f"The script does not compile: {headline(ending.message)}."
    said = f": {headline(ending.message)}" if ending.message else ""
    return (
        f"The script ended with {ending.error}{said}{where}, {stage}. "
        "Expected it to run without error. Run it once with python, then diagnose it."
    )


def _with_answers(request: DiagnoseRequest) -> str:
    """The same diagnosis with answers; code is too long to be said again."""
    target = "CODE" if request.mode == "code" else shlex.quote(request.target)
    arguments = shlex.join(request.arguments)
    if "\n" in arguments or len(arguments) > LONGEST_ARGUMENTS:
        arguments = "…"
    return " ".join(
        filter(None, ["fitdoctor diagnose --stdin", *OPTIONS[request.mode], target, arguments, "< answers.txt"])
    )


def _place(ending: Ending) -> str:
    assert ending.site is not None
    name = ending.site.file.rsplit("/", 1)[-1]
    return f"{name}:{ending.site.line}" + (f" ({ending.site.code})" if ending.site.code else "")


def _at(fit: Fit) -> str:
    return f"{fit.site.file.rsplit('/', 1)[-1]}:{fit.site.line}"
