"""Turns recorded call sites into the locations of a report and the places of changes."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from fitdoctor.changes.model import Place
from fitdoctor.recording.model import Operation, Site
from fitdoctor.report.model import Location


def location(site: Site, argument: str = "", value: Any = None) -> Location:
    """The location of a call, or of one of its keywords if the call has it.

    Example:
        >>> location(Site(file="train.py", line=9, arguments={"run_eagerly": 12}), "run_eagerly", True)
        Location(file='train.py', line=12, code='run_eagerly=True')
    """
    line = site.arguments.get(argument, site.line)
    # The recorded code is the call's first line: beside another line number it would mislead.
    code = site.code if line == site.line else f"{argument}={value!r}"
    return Location(file=site.file, line=line, code=code)


def locations(*places: Location | None) -> tuple[Location, ...]:
    """The given locations in order, without None and without repeated lines."""
    kept: dict[tuple[str, int], Location] = {}
    for place in places:
        if place is not None:
            kept.setdefault((place.file, place.line), place)
    return tuple(kept.values())


def file_and_line(site: Site) -> str:
    """A call site in a sentence: `train.py:9`."""
    return f"{PurePath(site.file).name}:{site.line}"


def place(site: Site, position: int = -1) -> Place:
    """The call at `site` as the place of a change."""
    return Place(file=site.file, line=site.line, position=position)


def operation_place(operation: Operation) -> Place | None:
    """The stage of a pipeline as the place of a change, or None if no line of the user's creates it."""
    return place(operation.site, operation.position) if operation.site is not None else None
