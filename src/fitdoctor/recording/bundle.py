"""A recording without anything of the user's: to be attached to a report of a wrong diagnosis.

What is kept is on a list, not what is left out: numbers stay, and texts that fitdoctor's own source or a framework's
public API says (`own_words`). Every other text becomes a placeholder, the same one wherever the same text stood, so
that the analysis finds the same structure and comes to the same verdict. Of figures about the data itself only the size
is kept.
"""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from fitdoctor.recording.model import CallbackRecord, ColumnStatistics, Run
from fitdoctor.recording.own_words import as_said, is_own
from fitdoctor.recording.system import System

T = TypeVar("T")

EMPTIED = frozenset({"code", "message", "started"})
"""Fields whose text no analysis needs: lines of code, messages of errors, the time."""

SENTENCES = frozenset({"limits", "why", "note", "label", "declined"})
"""Fields that hold sentences of ours with something of the user's filled in."""

COMPOSED = frozenset({"name", "call", "argument", "replacement", "hook", "container", "module"})
"""Fields that may hold several names in one: `x['age']`, `pandas.DataFrame`. Each name is replaced by itself."""

PATHS = frozenset({"file", "script", "cwd", "argv", "changed_files", "redirected", "command", "what", "programs"})
"""Fields that are the user's whatever stands in them."""

UNNAMED_FILES = re.compile(r"and [\d,]{1,12} more( deleted| changed| new)?")
"""A line of the list of changed files, where it does not name them all; a file has “new: ” or the like before it."""

SHORT_NUMBER = 2
"""Digits of an index in a composed name, `x[0]`."""

KINDS = {
    "file": "file",
    "script": "file",
    "cwd": "path",
    "function": "function",
    "argv": "argument",
    "changed_files": "path",
    "redirected": "path",
    "command": "command",
    "what": "name",
    "programs": "argument",
    "error": "Error",
    "id": "arm",
    "arm": "arm",
}
"""What a placeholder is called, by the field that it stands in; elsewhere it is a "text"."""

VERSION = re.compile(r"\d{1,4}(\.\d{1,6}){0,3}((a|b|rc|\.dev|\.post)\d{1,9})?")
DEVICE = re.compile(
    r"/?(device:)?(CPU|GPU|TPU):\d{1,3}|(NVIDIA|Tesla|Quadro|GeForce|AMD)( [A-Z0-9][A-Za-z0-9-]{0,11}){1,5}"
)
PLATFORM_WORDS = ("Linux", "Darwin", "macOS", "Windows", "WSL2", "x86_64", "AMD64", "arm64", "aarch64")
MACHINE = frozenset({"python", "keras", "backend_version", "fitdoctor", "platform", "devices", "device"})
"""Fields about the machine and its software, kept where they look like what they are called."""

ERRORS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)
_NAME = re.compile(r"\w+")
_UNNAMED = re.compile(r"[^\w.\[\]'()]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A recording without anything of the user's. `replaced` counts the placeholders of each kind."""

    run: Run
    replaced: Mapping[str, int]


def bundle(run: Run) -> Bundle:
    """Replaces everything in a recording that may be the user's own.

    Example:
        >>> bundle(run).run.scout.fits[0].site
        Site(file='file1.py', line=58, function='<module>', code='', arguments={'epochs': 58})
    """
    names = _Names()
    seen = run.scout or run.watched
    if seen is not None and run.mode == "script":
        for site in [fit.site for fit in seen.fits] + [loop.site for loop in seen.loops]:
            if PurePath(site.file).name == PurePath(run.script).name:
                names.same(run.script, site.file)
    for rehearsal in run.rehearsals:
        for arm in rehearsal.arms:
            names.arm(arm.id, f"{names.text(arm.unit, '')}/{names.text(arm.remedy or arm.role, '')}")
    made = _Copy(names).of(run, "")
    made.bundled = True
    return Bundle(run=made, replaced=names.counts)


class _Names:
    """Gives the same placeholder for the same text, wherever it stands."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._known: dict[str, str] = {}

    def text(self, text: str, field: str) -> str:
        if not text or text in self._known:
            return self._known.get(text, "")
        if field in EMPTIED:
            return ""
        if field == "changed_files" and UNNAMED_FILES.fullmatch(text):
            return text
        if field in SENTENCES:
            return as_said(text)
        if field in MACHINE:
            return _machine(text)
        if field not in PATHS and (is_own(text) or text in ERRORS):
            return text
        if field == "monitor" and text.startswith("val_"):
            return "val_metric"
        if field in COMPOSED:
            return _NAME.sub(lambda found: self._name(found.group()), _UNNAMED.sub("", text))
        return self._placeholder(text, KINDS.get(field, "text"))

    def same(self, text: str, other: str) -> None:
        """Gives one placeholder to two ways to name the same file."""
        self._known[text] = self._known[other] = self._placeholder(other, "file")

    def arm(self, text: str, wanted: str) -> None:
        """Keeps what an arm tries in its name."""
        if text not in self._known:
            number = sum(1 for known in self._known.values() if known == wanted or known.startswith(f"{wanted}-"))
            self._known[text] = f"{wanted}-{number + 1}" if number else wanted

    def _name(self, name: str) -> str:
        return (
            name
            if is_own(name) or name.isdecimal() and len(name) <= SHORT_NUMBER
            else self._placeholder(name, "Name" if name[0].isupper() else "name")
        )

    def _placeholder(self, text: str, kind: str) -> str:
        if text not in self._known:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self._known[text] = f"{kind}{self.counts[kind]}" + (".py" if kind == "file" else "")
        return self._known[text]


class _Copy:
    """Walks through a recording by its types; what is not of a known type is left out."""

    def __init__(self, names: _Names) -> None:
        self._names = names

    def of(self, value: T, field: str) -> T:
        copied: Any
        match value:
            case bool() | int() | float() | None:
                copied = value
            case str():
                copied = self._names.text(value, field)
            case list() | tuple():
                copied = type(value)(self.of(item, field) for item in value)
            case dict():
                copied = {
                    self._key(key): self.of(item, str(key) if is_own(str(key)) else "") for key, item in value.items()
                }
            case _ if is_dataclass(value):
                kind: Any = type(value)
                copied = kind(**{each.name: self._field(value, each.name) for each in fields(value)})
            case _:
                copied = None
        return copied  # type: ignore[no-any-return]

    def _field(self, owner: Any, name: str) -> Any:
        value = getattr(owner, name)
        if isinstance(owner, Run) and name == "target":  # of a rehearsal, "target" says only whether it is a fit
            return self.of(value, "script")
        if isinstance(owner, System) and name == "began_unix_s":
            return 0.0
        if isinstance(owner, ColumnStatistics) and isinstance(value, list):
            return [type(number)(_coarse(number)) for number in value]
        if isinstance(owner, ColumnStatistics) and isinstance(value, float):
            return _coarse(value)
        if isinstance(owner, CallbackRecord) and name == "attributes":
            value = {key: item for key, item in value.items() if is_own(key)}  # nothing asks for the others
        return self.of(value, name)

    def _key(self, key: Any) -> str:
        return self._names.text(str(key), "key")


def _coarse(number: float) -> float:
    """The power of two below a number that was taken from the data:

    its size, which is what matters, and not its value.
    """
    return math.copysign(2.0 ** math.floor(math.log2(abs(number))), number) if number and math.isfinite(number) else 0.0


def _machine(text: str) -> str:
    if VERSION.fullmatch(text) or DEVICE.fullmatch(text) or is_own(text):
        return text
    return " ".join(word for word in PLATFORM_WORDS if re.search(rf"(?<![A-Za-z0-9]){word}(?![A-Za-z0-9])", text))
