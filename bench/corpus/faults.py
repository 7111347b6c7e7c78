"""The corpus: healthy programs, and faults that are put into them as edits of their text.

Example:
    >>> fault = load("eager-execution")
    >>> "run_eagerly=True" in fault.script
    True
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[2] / "corpus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A program with one fault in it. `lines` are those of `script` where the fault stands."""

    id: str
    title: str
    program: str
    causes: tuple[str, ...]
    watched: bool
    script: str
    lines: tuple[int, ...]


def programs() -> list[Path]:
    return sorted((CORPUS / "programs").glob("*.py"))


def fault_ids() -> list[str]:
    return sorted(path.stem for path in (CORPUS / "faults").glob("*.toml"))


def load(name: str) -> Fault:
    """Puts a fault into its program.

    Raises:
        ValueError: Where a text that is to be replaced, or a place, is not there exactly once.
    """
    raw = tomllib.loads((CORPUS / "faults" / f"{name}.toml").read_text(encoding="utf-8"))
    script = (CORPUS / "programs" / raw["program"]).read_text(encoding="utf-8")
    for edit in raw["replace"]:
        _find(script, edit["old"], name)
        script = script.replace(edit["old"], edit["new"])
    return Fault(
        id=name,
        title=raw["title"],
        program=raw["program"],
        causes=tuple(raw["causes"]),
        watched=raw.get("watched", False),
        script=script,
        lines=tuple(sorted({script.count("\n", 0, _find(script, place, name)) + 1 for place in raw["at"]})),
    )


def _find(script: str, text: str, fault: str) -> int:
    """Where the text begins, blanks left out."""
    if (times := script.count(text)) != 1:
        raise ValueError(f"{fault}: expected once in its program, found {times} times: {text!r}")
    return script.index(text) + len(text) - len(text.lstrip())
