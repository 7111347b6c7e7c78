"""Counts what fitdoctor tells of the project's own collection of scripts, and its false alarms.

Diagnoses every healthy program of `corpus/`, and every program with a fault put into it. Prints a line for each and two
tables, and writes all rows. What is already in the file of rows is not done again.

    python -m bench.corpus --out corpus.json
    python -m bench.corpus --only 'serial-map,idle-*' --budget 90
    python -m bench.corpus --out corpus.json --table      the tables of that file, nothing is run

Run nothing else beside it. A fault is told where the first cause that is not informative is one that its file accepts;
the line is right where one of that cause's places is a line of the fault. Any cause named in a healthy program is a
false alarm, whatever it promises: `--pairs` shows by whole runs whether the promise holds.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import tempfile
from pathlib import Path
from typing import Any

from bench.corpus import faults
from bench.runs import diagnosis, pairs, promise_and_truth, truth_table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--only", default="*", help="names of programs and faults, with wildcards, separated by commas"
    )
    options.add_argument("--budget", type=float, default=120)
    options.add_argument("--pairs", type=int, default=0, help="pairs of whole runs for each prescription")
    options.add_argument(
        "--out", type=Path, help="the file of rows, which is also where an earlier call is taken up again"
    )
    options.add_argument(
        "--table", action="store_true", help="print the tables of what is in the file, and run nothing"
    )
    arguments = options.parse_args()
    rows: list[dict[str, Any]] = (
        json.loads(arguments.out.read_text()) if arguments.out and arguments.out.exists() else []
    )
    done = {row["id"] for row in rows}
    names = [path.stem for path in faults.programs()] + faults.fault_ids()
    wanted = [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in arguments.only.split(","))]
    for name in wanted if not arguments.table else []:
        if name in done:
            continue
        rows.append(_row(name, arguments.budget, arguments.pairs))
        print(_line(rows[-1]), flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(rows, indent=1))
    print(_tables(rows))


def _row(name: str, budget_s: float, count: int) -> dict[str, Any]:
    fault = faults.load(name) if name in faults.fault_ids() else None
    script = fault.script if fault else (faults.CORPUS / "programs" / f"{name}.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "train.py"
        target.write_text(script, encoding="utf-8")
        row = {
            "id": name,
            "program": fault.program if fault else f"{name}.py",
            "accepted": list(fault.causes) if fault else [],
            "at": list(fault.lines) if fault else [],
            **diagnosis(target, budget_s, watched=fault is not None and fault.watched),
        }
        row["pairs"] = pairs(target, count) if row.get("promised") else []
    if fault:
        row["right"] = row.get("cause", "") in fault.causes
        row["line_right"] = row["right"] and bool(set(row["lines"]) & set(fault.lines))
    else:
        row["right"] = row["verdict"] == "healthy"
        row["false_alarm"] = bool(row.get("cause"))
    return row


def _line(row: dict[str, Any]) -> str:
    mark = "✓" if row["right"] else "✗"
    said = row.get("cause") or row["verdict"]
    return f"{mark} {row['id']}: {said} {','.join(map(str, row.get('lines', [])))} · {promise_and_truth(row)} · {row['seconds']:.0f} s"


def _tables(rows: list[dict[str, Any]]) -> str:
    planted = [row for row in rows if row["accepted"]]
    healthy = [row for row in rows if not row["accepted"]]
    lines = ["", "| fault | in | first cause | right | line | promise | seconds |", "|---|---|---|---|---|---|---|"]
    for row in planted:
        right, line = ("✓" if row[key] else "✗" for key in ("right", "line_right"))
        said = row.get("cause") or row["verdict"]
        lines.append(
            f"| {row['id']} | {row['program']} | {said} | {right} | {line} | {promise_and_truth(row)} | {row['seconds']:.0f} |"
        )
    lines += ["", "| healthy program | verdict | named | promise | seconds |", "|---|---|---|---|---|"]
    for row in healthy:
        named = ", ".join(cause for cause, _, _ in row.get("causes", [])) or "–"
        lines.append(
            f"| {row['program']} | {row['verdict']} | {named} | {promise_and_truth(row)} | {row['seconds']:.0f} |"
        )
    told, placed = sum(row["right"] for row in planted), sum(row["line_right"] for row in planted)
    alarms = sum(row["false_alarm"] for row in healthy)
    lines += [
        "",
        f"Faults: {told} of {len(planted)} told, {placed} at the right line. Healthy: {alarms} false alarms in {len(healthy)}.",
    ]
    if any(row.get("pairs") for row in rows):
        lines += ["", truth_table(rows, "id")]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
