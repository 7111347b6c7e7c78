"""Holds what a diagnosis promises against whole runs.

For each script: one `fitdoctor diagnose`, then pairs of whole runs, plain and with the prescription applied while it runs, in
turn about. Prints the promised speed-up of the whole run beside the measured ratios, and writes a table.

    python bench/promise.py --pairs 2 examples/*.py
    python bench/promise.py --pairs 2 --out promise.json path/to/*/train.py

Run nothing else beside it. A pair's ratio includes imports and the interpreter's start and end, as the promise does.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from runs import diagnosis, pair, promise_and_truth


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scripts", nargs="+", type=Path)
    options.add_argument("--pairs", type=int, default=2)
    options.add_argument("--budget", type=float, default=120)
    options.add_argument("--out", type=Path)
    options.add_argument("--again", type=Path, help="take the promises from this file of an earlier run, and add pairs only")
    arguments = options.parse_args()
    earlier = {row["script"]: row for row in json.loads(arguments.again.read_text())} if arguments.again else {}
    rows = []
    for script in arguments.scripts:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(script.resolve().parent, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".fitdoctor"))
            target = Path(folder) / script.name
            row = earlier.get(str(script)) or {"script": str(script), **diagnosis(target, arguments.budget)}
            treatments = row.pop("treatments", None) or row.get("treated") or []
            row["treated"] = treatments
            row["pairs"] = row.get("pairs", []) + [pair(target, treatments, turn) for turn in range(arguments.pairs if treatments else 0)]
        rows.append(row)
        print(_line(row), flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(rows, indent=1))


def _line(row: dict[str, Any]) -> str:
    script, where = Path(row["script"]), ",".join(map(str, row.get("lines", [])))
    return (
        f"{script.parent.name}/{script.name}: {row['verdict']} {row.get('cause', '')} {where} "
        f"· {promise_and_truth(row)} · {row['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
