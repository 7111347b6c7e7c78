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
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LAUNCH = Path(__file__).resolve().parent.parent / "src" / "fitdoctor" / "launch.py"


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
            row = earlier.get(str(script)) or _diagnose(script, target, arguments.budget)
            treatments = row.pop("treatments", None) or row.get("treated") or []
            row["treated"] = treatments
            row["pairs"] = row.get("pairs", []) + [_pair(target, treatments, turn) for turn in range(arguments.pairs if treatments else 0)]
        rows.append(row)
        print(_line(row), flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(rows, indent=1))


def _diagnose(script: Path, target: Path, budget_s: float) -> dict[str, Any]:
    began_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "fitdoctor", "diagnose", "-q", "--budget", str(budget_s), "-o", "report.json", target.name],
        cwd=target.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began_s
    if done.returncode:
        return {"script": str(script), "verdict": f"exit {done.returncode}: {done.stderr.strip()[:200]}", "seconds": seconds}
    report = json.loads((target.parent / "report.json").read_text())
    causes = [cause for cause in report["causes"] if cause["status"] != "informative"]
    prescription = report["prescription"] or {}
    return {
        "script": str(script),
        "verdict": report["verdict"],
        "cause": causes[0]["id"] if causes else "",
        "lines": [place["line"] for place in causes[0]["locations"]] if causes else [],
        "remedies": prescription.get("remedies", []),
        "promised": prescription.get("speedup"),
        "projected_s": report["training"]["projected_s"],
        "treatments": [
            {**each, "file": each["file"].replace(str(target.parent.resolve()), "")} for each in prescription.get("treatments", [])
        ],
        "seconds": seconds,
    }


def _pair(target: Path, treatments: list[dict[str, Any]], turn: int) -> dict[str, float]:
    here = str(target.parent.resolve())
    placed = json.loads(json.dumps(treatments))
    for each in placed:
        each["file"] = here + each["file"]
    spec = {
        "role": "treat", "mode": "script", "target": target.name, "arguments": [], "out": os.devnull,
        "spawned_s": time.monotonic(), "treatments": placed,
    }  # fmt: skip
    (target.parent / "treat.json").write_text(json.dumps(spec))
    runs = {"plain_s": [sys.executable, target.name], "treated_s": [sys.executable, str(LAUNCH), "treat.json"]}
    order = list(runs) if turn % 2 else list(reversed(runs))
    seconds = {name: _timed(runs[name], target.parent) for name in order}
    return {**seconds, "ratio": seconds["plain_s"] / seconds["treated_s"]}


def _timed(command: list[str], folder: Path) -> float:
    began_s = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began_s
    if done.returncode or "not treated" in done.stderr:
        sys.exit(f"{' '.join(command)} in {folder} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return seconds


def _line(row: dict[str, Any]) -> str:
    promised = row.get("promised")
    said = f"{promised['mid']:.2f} [{promised['low']:.2f}, {promised['high']:.2f}]" if promised else "–"
    ratios = [pair["ratio"] for pair in row["pairs"]]
    measured = " ".join(f"{ratio:.2f}" for ratio in ratios) or "–"
    off = f"{promised['mid'] / statistics.geometric_mean(ratios) - 1:+.0%}" if promised and ratios else "–"
    where = ",".join(map(str, row.get("lines", [])))
    return (
        f"{Path(row['script']).parent.name}/{Path(row['script']).name}: {row['verdict']} {row.get('cause', '')} {where} "
        f"· promised {said} · whole runs {measured} ({off}) · {row['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
