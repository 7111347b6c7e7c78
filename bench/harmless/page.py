"""The tables of `docs/harmless.md`, made of what `harmless.py` found."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.harmless.matrix import BACKENDS, CONTROLS, DIMENSIONS, cases
from bench.harmless.processes import KINDS, SCRIPTS

Row = dict[str, Any]
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->"
WHAT = {
    "weights": "weights",
    "history": "history",
    "async": "asynchronous dispatch",
    "text": "printed text",
    "files": "files",
    "error": "errors",
}


def write(page: Path, rows: list[Row]) -> None:
    """Puts the tables into a page, in place of those that it has."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    tables = "\n\n".join(
        ["\n".join(part) for part in (_machine(), _matrix(rows), _by_value(rows), _differences(rows), _processes(rows))]
    )
    page.write_text(f"{before}{BEGIN}{tables}\n{END}{after}", encoding="utf-8")


def _machine() -> Iterator[str]:
    yield f"Machine: {platform.platform()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}."
    names = (
        "keras",
        "tensorflow",
        "tensorflow-cpu",
        "jax",
        "torch",
        "tf-keras",
        "numpy",
        "pandas",
        "grain",
        "mlflow",
        "mlflow-skinny",
    )
    yield "Versions: " + ", ".join(f"{name} {version}" for name in names if (version := _version(name))) + "."


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _table(head: tuple[str, ...], lines: list[tuple[Any, ...]]) -> Iterator[str]:
    for line in (head, ("---",) * len(head), *lines):
        yield f"| {' | '.join(str(cell) for cell in line)} |"


def _matrix_of(rows: list[Row], backend: str) -> list[Row]:
    """What was found of the cases of today's covering set."""
    names = {" ".join(case.values()) for case in cases(backend)}
    return [row for row in rows if (row["part"], row["backend"]) == ("matrix", backend) and row["name"] in names]


def _matrix(rows: list[Row]) -> Iterator[str]:
    """One line a backend."""
    lines = []
    for backend in BACKENDS:
        found = _matrix_of(rows, backend)
        agree = Counter(name for row in found for name in row["agree"])
        changed = Counter(name for row in found for name in row["changed"])
        cells = [_cell(agree[name], changed[name]) for name in WHAT]
        refused = sum(bool(row["failed"]) for row in found)
        unseen = sum(bool(row["unseen"]) and not row["failed"] for row in found)
        lines.append((backend, f"{len(found)} of {len(cases(backend))}", refused, *cells, unseen))
    yield from _table(
        ("Backend", "Cases", "Refused by Keras", *(f"{what}: agree" for what in WHAT.values()), "Not seen whole"), lines
    )


def _cell(agree: int, changed: int) -> str:
    return f"{agree - changed} of {agree}" if not changed else f"**{agree - changed} of {agree}**"


def _by_value(rows: list[Row]) -> Iterator[str]:
    """How many cases hold each value, and in how many of them all agreed."""
    lines = []
    for dimension, values in DIMENSIONS.items():
        for value in values:
            cells = []
            for backend in BACKENDS:
                found = [
                    row for row in _matrix_of(rows, backend) if row["case"][dimension] == value and not row["failed"]
                ]
                same = sum(not row["changed"] for row in found)
                cells.append(f"{same} of {len(found)}" if found else "")
            lines.append((dimension, value, *cells))
    yield from _table(("Kind of", "Value", *BACKENDS), lines)


def _differences(rows: list[Row]) -> Iterator[str]:
    """Each case in which the watched run was another, and which things plain runs do not agree in by themselves."""
    found = [row for backend in BACKENDS for row in _matrix_of(rows, backend)]
    alone = Counter((row["backend"], WHAT[name]) for row in found for name in row["disagree"])
    yield "Two plain runs by themselves did not agree in: " + (
        ", ".join(f"{what} ({backend}, {count} cases)" for (backend, what), count in sorted(alone.items())) or "nothing"
    ) + "."  # fmt: skip
    yield ""
    changed = [row for row in found if row["changed"]]
    raced = sum("controls" in row and not row["changed"] for row in found)
    yield (
        f"Among them are {raced} cases whose watched run was another, as were some of {CONTROLS} plain ones that were"
        " run then."
    )
    yield ""
    yield "Watched runs that were another although the plain ones agreed: " + ("" if changed else "none.")
    for row in changed:
        yield f"* {row['backend']}, {row['name']}: {', '.join(WHAT[name] for name in row['changed'])}"


def _processes(rows: list[Row]) -> Iterator[str]:
    """One line a script."""
    lines = []
    for kind in KINDS:
        doc = (SCRIPTS / f"{kind.script}.py").read_text(encoding="utf-8").split('"""')[1]
        cells = [_ended(rows, backend, kind.name) for backend in BACKENDS]
        lines.append((f"`{kind.name}`", " ".join(doc.split()).rstrip("."), *cells))
    yield from _table(("Script", "What it does", *BACKENDS), lines)


def _ended(rows: list[Row], backend: str, name: str) -> str:
    row = next((row for row in rows if (row["part"], row["backend"], row["name"]) == ("process", backend, name)), None)
    if row is None:
        return ""
    if row["failed"]:
        return row["failed"]
    alone = f" ({', '.join(row['disagree'])}: plain runs differ)" if row["disagree"] else ""
    ending = "**other " + ", ".join(row["changed"]) + "**" if row["changed"] else "the same"
    return f"{ending}, exit code {row['code']}{alone}"
