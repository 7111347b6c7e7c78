"""Lists the changes of a script on disk: losses first, and many files of one folder in one line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fitdoctor.recording.run_roots import ROOT_NAME, named_folder, state_folder, temporary_root

# In the order in which they matter to the user.
KINDS = ("deleted", "changed", "new")
# Lines of one kind below one folder; more become a single line. The current folder and those above it are never summed
# up.
MOST_OF_A_FOLDER = 10
# Of each kind.
MOST_LINES = 1_000
# Folders below each other that are listed apart.
MOST_DEPTH = 100
# How the name of a run's folder begins.
RUN_NAME = re.compile(r"\d{8}-\d{6}-")
WORDS = {"deleted": "{} of its files and folders", "changed": "{} of its files", "new": "{} files"}


def sentences(changes: Iterable[tuple[str, str]], left_out: Mapping[str, int] | None = None) -> list[str]:
    """Changes of files as sentences, named from the current directory where they lie below it.

    Args:
        changes: Kinds and paths.
        left_out: How many more there are of a kind.

    Example:
        >>> sentences([("new", "/home/ann/project/model.keras"), ("deleted", "/home/ann/project/results")])
        ['deleted: results', 'new: model.keras']
    """
    here = os.getcwd()
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for kind, path in changes:
        found[kind].add(path)
    lines: list[str] = []
    for kind, paths in found.items():
        listed = [path for path in paths if kind != "deleted" or not any(above in paths for above in _above(path))]
        grouped = sorted(_grouped(listed, here))
        lines += [_line(kind, path.removeprefix(os.path.join(here, "")), count) for path, count in grouped[:MOST_LINES]]
        more = sum(count or 1 for _, count in grouped[MOST_LINES:]) + (left_out or {}).get(kind, 0)
        lines += [f"and {more:,} more {kind}"] if more else []
    return lines


def not_ours(changes: Iterable[tuple[str, str]], run: str) -> Iterator[tuple[str, str]]:
    """The changes without those of our own folders.

    Args:
        changes: Kinds and paths.
        run: The folder of the run.
    """
    whole = [os.path.join(folder, "") for folder in (run, state_folder(), temporary_root()) if folder is not None]
    named = named_folder()
    runs = os.path.join(named, "") if named is not None else None
    for kind, path in changes:
        entry = os.path.join(path, "")
        if f"/{ROOT_NAME}/" in entry or entry.startswith(tuple(whole)):
            continue
        if runs is not None and (entry == runs or entry.startswith(runs) and RUN_NAME.match(entry.removeprefix(runs))):
            continue
        yield kind, path


@dataclass(slots=True)
class _Folder:
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def _grouped(paths: Iterable[str], here: str) -> Iterator[tuple[str, int]]:
    """Paths, each with 0, and folders, each with the number of paths that it stands for."""
    top = _Folder()
    for path in paths:
        folder = top
        *above, name = path.rstrip("/").split("/", MOST_DEPTH)
        for part in above:
            folder = folder.folders.setdefault(part, _Folder())
        folder.files.append(name + path[len(path.rstrip("/")) :])
    yield from _lines_below(top, "", here)


def _lines_below(folder: _Folder, path: str, here: str) -> list[tuple[str, int]]:
    lines = [(path + name, 0) for name in folder.files]
    for name, below in folder.folders.items():
        lines += _lines_below(below, f"{path}{name}/", here)
    if len(lines) <= MOST_OF_A_FOLDER or f"{here}/".startswith(path):
        return lines
    return [(path, sum(count or 1 for _, count in lines))]


def _line(kind: str, path: str, count: int) -> str:
    return f"{kind}: {path} ({WORDS[kind].format(f'{count:,}')})" if count else f"{kind}: {path}"


def _above(path: str) -> Iterator[str]:
    while (path := path.rpartition("/")[0]) != "":
        yield path
