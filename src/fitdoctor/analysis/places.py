"""Names files relative to the script's folder, where they are below it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import PurePath
from typing import Any, TypeVar

from fitdoctor.recording.model import Run, Site
from fitdoctor.report.model import Location

T = TypeVar("T")


def with_relative_files(run: Run, value: T) -> T:
    """Returns the same result, with every `Location` in it relative to the script's folder."""
    root = _root(run)
    return _renamed(value, root) if root is not None else value


def _renamed(value: Any, root: PurePath) -> Any:
    if isinstance(value, Location):
        return replace(value, file=_name(value.file, root))
    if isinstance(value, tuple):
        return tuple(_renamed(item, root) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _renamed(getattr(value, field.name), root) for field in fields(value)})
    return value


def _name(file: str, root: PurePath) -> str:
    path = PurePath(file)
    return str(path.relative_to(root)) if path.is_relative_to(root) else file


def _root(run: Run) -> PurePath | None:
    """The script's folder.

    For a relative script, it is found by a recorded file whose path ends like the script's. For a module, it is the
    folder where the module was started.
    """
    script = PurePath(run.script)
    if run.mode == "module" and run.cwd:
        return PurePath(run.cwd)
    if run.mode != "script" or not script.name:
        return None
    if script.is_absolute():
        return script.parent
    tail = tuple(part for part in script.parts if part != ".")
    for site in _sites(run):
        path = PurePath(site.file)
        if path.is_absolute() and path.parts[-len(tail) :] == tail:
            return path.parent
    return None


def _sites(run: Run) -> list[Site]:
    record = run.scout or run.watched
    return [fit.site for fit in record.fits] + [loop.site for loop in record.loops] if record is not None else []
