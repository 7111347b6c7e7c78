"""The messages for a scout that recorded nothing to diagnose."""

from __future__ import annotations

import shlex

from fitdoctor.facts import other_processes
from fitdoctor.facts.locations import file_and_line
from fitdoctor.process.exit_status import signal_name
from fitdoctor.process.request import OPTIONS, DiagnoseRequest
from fitdoctor.recording.blocked_writes import action
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Ending, ProcessRecord

# The longest arguments of a script that a message repeats, in characters.
LONGEST_ARGUMENTS = 80
UNREADABLE = (
    "The script ran, but its recording can't be read back. That is a fault of fitdoctor, not of your script: please "
    "report it."
)


def never_started(request: DiagnoseRequest, code: int | None) -> str:
    """Returns why there is no record at all: the interpreter of `--python` did not run our launcher."""
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
    """Returns why there is nothing to diagnose: what was received and expected, and how to go on."""
    ending = scout.ending
    declined = next((fit for fit in scout.fits if fit.declined), None)
    if ending.how == "declined":
        return ending.message
    if declined is not None and ending.how != "exception":
        return f"{file_and_line(declined.site)}: {declined.declined}."
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
            f"The script was about to {action(ending.error)} {ending.message}{where}, which it did not make in this "
            f"run, {stage}. The file is unchanged. Pass --allow-writes if the script may change it, or diagnose a "
            "copy of the folder."
        )
    if ending.how == "limit":
        return _limit(scout, where, request)
    if ending.how == "finished":
        return _finished(scout)
    if ending.how == "interrupted":
        return (
            f"The script was interrupted{where}, {stage}, by itself or from outside. Expected it to train. "
            "Run it again."
        )
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
        return (
            f"The script ran to its end, but fit at {file_and_line(fit.site)} did no step: {why}. "
            "Expected a fit with at least one step."
        )
    if scout.limits:
        return "Expected a script that trains a Keras model with fit."
    none = "imported Keras but called none of its fit, evaluate, predict or …_on_batch"
    used = none if scout.environment else "never imported Keras"
    return f"The script ran to its end and {used}. Expected a script that trains a Keras model with fit."


def _exception(ending: Ending, where: str, stage: str, request: DiagnoseRequest) -> str:
    if ending.error == "EOFError":
        return (
            f"The script asked for input{where}, {stage}, and there was none: it is run several times, without a "
            "terminal. "
            f"Pipe the answers in ({_with_answers(request)}) or pass them as arguments."
        )
    if ending.error == "ModuleNotFoundError":
        return (
            f"{headline(ending.message)}{where}. It was run with {request.python}. "
            "Expected the interpreter of the training's own environment: name it with --python, or install "
            "fitdoctor there."
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
    return file_and_line(ending.site) + (f" ({ending.site.code})" if ending.site.code else "")
