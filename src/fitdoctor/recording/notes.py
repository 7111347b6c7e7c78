"""Reads the notes that the processes of one run left beside its record: see `probe.processes.run_notes`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fitdoctor.recording.model import OtherProcess, SideEffect

# Behind the name of the record, as `probe.processes.run_notes` has it.
SUFFIX = ".notes"
MOST_READ_BYTES = 1 << 20
MOST_OTHERS = 32
# Side effects of one kind that are kept: a script that looks at a thousand pages of the web is told of by its first
# ones.
MOST_OF_A_KIND = 20


@dataclass(slots=True)
class Noted:
    """What one run of the script did beside its training."""

    others: list[OtherProcess] = field(default_factory=list)
    effects: list[SideEffect] = field(default_factory=list)


def read_notes(path: Path) -> Noted:
    """Reads the notes of one run. Lines that make no sense are left out: a process may have been ended in the middle of
    one.

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
    """Adds what one more run did to what those before it did."""
    for effect in more:
        same = next((each for each in known if (each.kind, each.what) == (effect.kind, effect.what)), None)
        if same is not None:
            same.runs += effect.runs
        elif sum(each.kind == effect.kind for each in known) < MOST_OF_A_KIND:
            known.append(effect)


def unnoted(noted: Iterable[SideEffect], seen: Iterable[str]) -> list[SideEffect]:
    """Connections that were seen from outside, and that Python did not note: C libraries make them by themselves.

    Python notes a host by its name, so what goes to the same port is taken for the same.

    Args:
        noted: What a run noted.
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
    """Each once for a run, however many of its processes noted it."""
    if not any((each.kind, each.what) == (effect.kind, effect.what) for each in effects):
        effects.append(effect)


def _add_other(others: list[OtherProcess], other: OtherProcess) -> None:
    """What a program notes of itself goes with the line that started it."""
    for each in others:
        same = (each.kind, each.command) == (other.kind, other.command)
        if same and (each.site == other.site or None in (each.site, other.site)):
            each.fits |= other.fits
            each.site = each.site or other.site
            each.environment = each.environment or other.environment
            return
    if len(others) < MOST_OTHERS:
        others.append(other)
