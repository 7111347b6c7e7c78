"""Puts into words what became of a training that is not in the script's own process."""

from __future__ import annotations

from pathlib import PurePath

from fitdoctor.exact import is_plain
from fitdoctor.recording.model import OtherProcess, ProcessRecord, Site

WORKER = "a worker process"
"""What `probe.processes.commands` calls a process of a library that only does what it is told."""


def declined(scout: ProcessRecord) -> str:
    """Why nothing was learned, where another process of the script's is the reason:

    received, expected, and how to go on.
    """
    for kind in ("forked", "started"):
        other = next((each for each in scout.others if each.fits and each.kind == kind), None)
        if other is not None:
            return _trains(other)
    replaced = next((each for each in scout.others if each.kind == "replaced"), None)
    if replaced is not None:
        return replaced_by(replaced)
    if scout.ending.how not in ("exit", "finished") or scout.ending.code:
        return ""
    started = next((each for each in scout.others if each.kind == "started"), None)
    if started is not None:
        return (
            f"fit was not called in the script's own process, and that started `python {started.command}`{_at(started.site)}. Only the "
            f"script's own process can be diagnosed. {_again(started)}"
        )
    forked = next((each for each in scout.others if each.kind == "forked"), None)
    if forked is not None:
        return (
            f"fit was not called in the script's own process, which ended after it had forked another one{_at(forked.site)}. Only the "
            "script's own process can be diagnosed. Run it in the foreground: without a fork, and not as a daemon."
        )
    return ""


def limits(scout: ProcessRecord) -> list[str]:
    """What of a script that also trained by itself was not seen, each as a sentence."""
    found = []
    for other in scout.others:
        if other.kind == "replaced":
            found.append(replaced_by(other))
        elif other.fits and other.kind == "forked":
            found.append(
                f"fit was also called in a process that the script forked{_at(other.site)}: that was not diagnosed."
            )
        elif other.fits:
            found.append(
                f"fit was also called in {_name(other)} that the script started{_at(other.site)}: that was not diagnosed."
            )
    return found


def replaced_by(other: OtherProcess) -> str:
    return f"From{_at(other.site).removeprefix(' at') or ' then'} on the script's process ran “{other.command}”: nothing was seen of that."


def _trains(other: OtherProcess) -> str:
    if other.kind == "forked":
        return (
            f"fit was called in a process that the script forked{_at(other.site)}. Only the script's own process can be diagnosed. "
            "Call fit there, without a fork or multiprocessing, to have it diagnosed."
        )
    named = f"fit was called in {_name(other)} that the script started{_at(other.site)}. Only the script's own process can be diagnosed."
    return f"{named} {_again(other)}"


def _again(other: OtherProcess) -> str:
    if other.command == WORKER:
        return "Call fit in the script itself, without other processes, to have it diagnosed."
    if not all(
        map(is_plain, (other.command, *other.environment))
    ):  # a report drops what can't be seen: another command would stay
        return "Diagnose that as it was started."
    return f"Diagnose that: {' '.join([*map(_quoted, other.environment), 'fitdoctor diagnose', other.command])}"


def _quoted(assignment: str) -> str:
    import shlex

    name, _, value = assignment.partition("=")
    return f"{name}={shlex.quote(value)}"


def _name(other: OtherProcess) -> str:
    return other.command if other.command == WORKER else f"`python {other.command}`"


def _at(site: Site | None) -> str:
    return f" at {PurePath(site.file).name}:{site.line}" if site is not None else ""


def unseen(scout: ProcessRecord) -> str:
    """Why a real training shows no step of fit, where another process is the reason; "" where none is known."""
    known = limits(scout)
    if known:
        return known[0].replace("fit was also", "fit was").replace("diagnosed", "watched")
    forked = next((each for each in scout.others if each.kind == "forked"), None)
    if forked is not None and scout.ending.how == "exit":
        return (
            f"The script's own process ended after it had forked another one{_at(forked.site)}, which was not watched."
        )
    programs = scout.system.programs if scout.system is not None else []
    started = next((command for words in programs if (command := _script(words))), "")
    return (
        f"The script's own process did not call it, and started `python {started}`, which was not watched."
        if started
        else ""
    )


def _script(words: list[str]) -> str:
    """What a command line gives to Python; nothing where that is code."""
    import shlex

    rest = words[1:]
    while rest and rest[0].startswith("-") and rest[0] != "-m":
        if rest.pop(0) in ("-W", "-X"):
            rest = rest[1:]
        elif words[-len(rest) - 1].endswith("c"):
            return ""
    return shlex.join(rest)
