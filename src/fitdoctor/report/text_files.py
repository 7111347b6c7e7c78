"""What a report for a terminal says of the user's files."""

from __future__ import annotations

import re
from collections.abc import Iterable

LISTED_FILES = 10
"""How many lines are shown of each kind of change:

a script that writes a thousand should not push the verdict off the screen.
"""

MORE = re.compile(r"and ([0-9][0-9,]{0,20}) more(?: (deleted|changed|new))?")
"""A line of a recording's list of files where it does not name them all, see `trials/change_lines.py`."""

GROUP = re.compile(r"(?:deleted|changed|new): .*/ \(([0-9][0-9,]{0,20}) [a-z ]+\)", re.DOTALL)
"""A line that stands for many files of one folder."""

KINDS = ("deleted", "changed", "new", "")

AS_THEY_WERE = "Your files are as they were. All that the script wrote went to a scratch layer, which is gone."
GUARDED = "Files were guarded in Python only, so what C libraries and other programs write was not held back."


def protection(kind: str, note: str) -> str:
    """What became of the user's files while the script was tried; nothing where nothing held its writes back.

    Args:
        kind: "layer", "guard" or "".
        note: Why there was no layer.

    Example:
        >>> protection("guard", "only Linux has such layers")[:55]
        'There was no scratch layer: only Linux has such layers.'
    """
    if kind != "guard":
        return AS_THEY_WERE if kind else ""
    return f"There was no scratch layer{f': {note}' if note else ''}. {GUARDED}"


def shortened(files: Iterable[str]) -> tuple[str, ...]:
    """The first lines of each kind of change, and how many files there are besides.

    Example:
        >>> shortened(["deleted: results", "and 3 more deleted"])
        ('deleted: results', 'and 3 more deleted')
    """
    shown: dict[str, list[str]] = {kind: [] for kind in KINDS}
    more = dict.fromkeys(KINDS, 0)
    for line in files:
        if left_out := MORE.fullmatch(line):
            more[left_out[2] or ""] += _number(left_out[1])
            continue
        kind = _kind(line)
        if len(shown[kind]) < LISTED_FILES:
            shown[kind].append(line)
        else:
            group = GROUP.fullmatch(line)
            more[kind] += _number(group[1]) if group else 1
    rest = ", ".join(f"{count:,} more {kind}".rstrip() for kind, count in more.items() if count)
    return (*(line for lines in shown.values() for line in lines), *([f"and {rest}"] if rest else []))


def _kind(line: str) -> str:
    kind = line.partition(": ")[0]
    return kind if kind in KINDS else ""


def _number(text: str) -> int:
    return int(text.replace(",", ""))
