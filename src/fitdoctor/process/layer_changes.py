"""What a process wrote into its layer: what it would have changed on disk."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator

from fitdoctor.process.layer import Overlay

#: Folders whose files are nobody's results.
CACHE_NAMES = frozenset({"__pycache__", ".cache"})
#: Of each kind; of more, the number is told. New files must not crowd out what was lost.
MOST_CHANGES = 20_000
#: The mark of a folder that was removed and made again: nothing of the real one shows through it.
OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")


def changes(overlays: Iterable[Overlay], left_out: Iterable[str]) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """What differs from the real files, as ("new" | "changed" | "deleted", path), and how many more there are of each
    kind.

    Args:
        overlays: What lay under a layer.
        left_out: Folders whose changes are not told.
    """
    found: list[tuple[str, str]] = []
    counts: dict[str, int] = {}
    ignored = tuple(os.path.join(folder, "") for folder in left_out)
    for overlay in overlays:
        for kind, path in _below(overlay.upper, overlay.lower, overlay.path):
            if f"{path}/".startswith(ignored):
                continue
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] <= MOST_CHANGES:
                found.append((kind, path))
    return found, {kind: count - MOST_CHANGES for kind, count in counts.items() if count > MOST_CHANGES}


def _below(upper: str, lower: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(upper) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in listed:
        real, shown = os.path.join(lower, entry.name), os.path.join(path, entry.name)
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:  # how an overlay notes what is gone
            yield "deleted", shown
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in CACHE_NAMES:
                yield from _folder(entry.path, real, shown)
        else:
            yield from _file(status, real, shown)


def _folder(upper: str, real: str, shown: str) -> Iterator[tuple[str, str]]:
    """A folder that is new and holds nothing here is empty, or one that was renamed:

    what it held stays where it was.
    """
    found = False
    for change in itertools.chain(_removed(upper, real, shown), _below(upper, real, shown)):
        found = True
        yield change
    if not found and not os.path.lexists(real):
        yield "new", os.path.join(shown, "")


def _removed(upper: str, real: str, shown: str) -> Iterator[tuple[str, str]]:
    """What a folder held that was removed and made again."""
    if not _is_opaque(upper):
        return
    with contextlib.suppress(OSError):
        for name in sorted(set(os.listdir(real)) - set(os.listdir(upper))):
            yield "deleted", os.path.join(shown, name)


def _is_opaque(folder: str) -> bool:
    for name in OPAQUE:
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"y":
                return True
    return False


def _file(status: os.stat_result, real: str, shown: str) -> Iterator[tuple[str, str]]:
    try:
        before = os.lstat(real)
    except OSError:
        yield "new", shown
        return
    # What was only opened to be written is taken up into the layer as it was.
    if (status.st_mode, status.st_size, status.st_mtime_ns) != (before.st_mode, before.st_size, before.st_mtime_ns):
        yield "changed", shown
