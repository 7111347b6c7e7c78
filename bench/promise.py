"""Holds what a diagnosis promises against whole runs.

For each script: one `fitdoctor diagnose`, then pairs of whole runs, plain and under `fitdoctor treat --allow
numerics,semantics`, in turn about. Prints what `treat` promised beside the measured ratios, and a table.

    python -m bench.promise --pairs 2 examples/*.py
    python -m bench.promise --pairs 2 --out promise.json --keep runs path/to/*/train.py
    python -m bench.promise --out promise.json --table

Run nothing else beside it. A pair's ratio includes imports and the interpreter's start and end, as the promise does,
and the start of `treat` itself. Where the file of rows is there, its scripts are not run again. `--keep` copies the
recordings of the diagnoses to a folder, for `bench/time_table.py`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bench.runs import diagnosis, pairs, promise_and_truth, truth_table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scripts", nargs="*", type=Path)
    options.add_argument("--pairs", type=int, default=2)
    options.add_argument("--budget", type=float, default=120)
    options.add_argument(
        "--out", type=Path, help="the file of rows, which is also where an earlier call is taken up again"
    )
    options.add_argument("--keep", type=Path, help="a folder for the recordings")
    options.add_argument("--table", action="store_true", help="print the table of what is in the file, and run nothing")
    arguments = options.parse_args()
    rows = json.loads(arguments.out.read_text()) if arguments.out and arguments.out.exists() else []
    done = {row["script"] for row in rows}
    for script in [] if arguments.table else arguments.scripts:
        if str(script) in done:
            continue
        rows.append(_row(script, arguments))
        print(_line(rows[-1]), flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(rows, indent=1))
    print(f"\n{truth_table(rows, 'name')}")


def _row(script: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(
            script.resolve().parent, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".fitdoctor")
        )
        target = Path(folder) / script.name
        name = script.parent.name if script.name == "train.py" else script.name
        row = {"script": str(script), "name": name, **diagnosis(target, arguments.budget)}
        if arguments.keep:
            shutil.copytree(Path(folder) / ".fitdoctor", arguments.keep / name, dirs_exist_ok=True)
        row["pairs"] = pairs(target, arguments.pairs) if row.get("promised") else []
    return row


def _line(row: dict[str, Any]) -> str:
    where = ",".join(map(str, row.get("lines", [])))
    return (
        f"{row['name']}: {row['verdict']} {row.get('cause', '')} {where} · {promise_and_truth(row)} ·"
        f" {row['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
