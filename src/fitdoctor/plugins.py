"""Finds modules of causes and remedies, in the folders of a package and in the entry points of plug-ins."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A module: its id (from the file name), its folder, and its docstring as a page."""

    id: str
    folder: str
    page: str
    module: ModuleType


def discover(package: ModuleType, group: str) -> tuple[list[Unit], list[str]]:
    """Returns all modules of `package` and of the entry points of `group`, and sentences on broken plug-ins."""
    units = list(_built_in(package))
    problems: list[str] = []
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            module = point.load()
            folder = str(getattr(module, "FAMILY", "plug-in"))
            units.append(Unit(id=point.name, folder=folder, page=inspect.getdoc(module) or "", module=module))
        except Exception as error:  # noqa: BLE001 - a broken plug-in of someone else must not end a diagnosis
            problems.append(
                f"The plug-in {point.name!r} ({group}) could not be loaded: {type(error).__name__}: {error}."
            )
    return units, problems


def _built_in(package: ModuleType) -> Iterator[Unit]:
    for folder in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if not folder.ispkg:
            continue
        inner = importlib.import_module(f"{package.__name__}.{folder.name}")
        for info in sorted(pkgutil.iter_modules(inner.__path__), key=lambda info: info.name):
            module = importlib.import_module(f"{inner.__name__}.{info.name}")
            name = info.name.replace("_", "-")
            yield Unit(id=name, folder=folder.name.replace("_", "-"), page=inspect.getdoc(module) or "", module=module)
