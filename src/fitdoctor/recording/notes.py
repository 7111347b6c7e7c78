"""Reads the notes that the processes of one run write beside its record. See `probe.processes.run_notes`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fitdoctor.recording.model import OtherProcess, SideEffect

# Added to the name of the record, as in `probe.processes.run_notes`.
SUFFIX = ".notes"
MOST_READ_BYTES = 1 << 20
MOST_OTHERS = 32
# Side effects of one kind that are kept. A script that reads a thousand web pages is described by its first ones.
MOST_OF_A_KIND = 20


@dataclass(slots=True)
class Noted:
    """The other processes and the side effects of one run of the script."""

    others: list[OtherProcess] = field(default_factory=list)
    effects: list[SideEffect] = field(default_factory=list)


def read_notes(path: Path) -> Noted:
    """Reads the notes of one run.

    Incomplete lines are skipped: a process may end while it writes one.

    Example:
        >>> read_notes(Path("scout.json.notes")).effects
        [SideEffect(kind='connection', what='127.0.0.1:80', runs=1, site=None)]
    """
    import msgspec

    noted = Noted()
    for line in _lines(path):
        try:
            raw: dict[str, Any] = msgspec.json.decode(line)
            kind = raw.pop("note")
            if kind == "effect":
                _add_effect(noted.effects, msgspec.convert({**raw, "runs": 1}, SideEffect))
            elif kind == "process":
                _add_other(noted.others, msgspec.convert(raw, OtherProcess))
            elif kind == "resumed":  # it had not been replaced after all
                noted.others = [other for other in noted.others if other.kind != "replaced"]
        except (msgspec.MsgspecError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            continue
    return noted


def merge(known: list[SideEffect], more: Iterable[SideEffect]) -> None:
    """Adds the side effects of one more run."""
    for effect in more:
        same = next((each for each in known if (each.kind, each.what) == (effect.kind, effect.what)), None)
        if same is not None:
            same.runs += effect.runs
        elif sum(each.kind == effect.kind for each in known) < MOST_OF_A_KIND:
            known.append(effect)


def unnoted(noted: Iterable[SideEffect], seen: Iterable[str]) -> list[SideEffect]:
    """Connections that were observed from outside but not noted by Python, because a C library made them.

    Python notes a host by its name, so connections to the same port count as the same.

    Args:
        noted: The side effects that a run noted.
        seen: Hosts and ports that it was connected to.
    """
    ports = {effect.what.rpartition(":")[2] for effect in noted if effect.kind == "connection"}
    return [SideEffect(kind="connection", what=what, runs=1) for what in seen if what.rpartition(":")[2] not in ports]


def _lines(path: Path) -> list[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MOST_READ_BYTES).splitlines()
    except OSError:
        return []


def _add_effect(effects: list[SideEffect], effect: SideEffect) -> None:
    """Adds an effect, unless another process of the run noted it already."""
    if not any((each.kind, each.what) == (effect.kind, effect.what) for each in effects):
        effects.append(effect)


def _add_other(others: list[OtherProcess], other: OtherProcess) -> None:
    """Adds a process. The notes of a program about itself are merged with the note of the line that starts it."""
    for each in others:
        same = (each.kind, each.command) == (other.kind, other.command)
        if same and (each.site == other.site or None in (each.site, other.site)):
            each.fits |= other.fits
            each.site = each.site or other.site
            each.environment = each.environment or other.environment
            return
    if len(others) < MOST_OTHERS:
        others.append(other)
