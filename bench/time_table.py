"""Shows where the seconds of diagnoses went: one row for each run, and the median.

    python -m bench.time_table path/to/.fitdoctor/*
    python -m bench.time_table --scripts examples/*.py

A run is a folder that a diagnosis left, or a script that is diagnosed first.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import Run
from fitdoctor.trials.timeline import FIRST_ANSWER, seconds_of

os.environ.setdefault("FITDOCTOR_DIR", ".fitdoctor")  # recordings lie where the script runs, to be read from there
COLUMNS = ("scout", "start-up", "prepare", "verify", "windows", "calls", "races", "processes", "together", "saving")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("runs", nargs="+", type=Path, help="folders of runs, or scripts with --scripts")
    options.add_argument("--scripts", action="store_true")
    options.add_argument("--budget", type=float, default=120)
    arguments = options.parse_args()
    print(f"| Run | {' | '.join(COLUMNS)} | rest | whole | first answer |\n|---|{'---:|' * (len(COLUMNS) + 3)}")
    rows = []
    for path in arguments.runs:
        run = (
            _diagnosed(path, arguments.budget)
            if arguments.scripts
            else load_run(path / "run.json" if path.is_dir() else path)
        )
        rows.append(_row(run))
        named = path.name == "train.py" or path.parent.name != ".fitdoctor"
        print(_line(path.parent.name if named else path.name, rows[-1]), flush=True)
    print(_line("**median**", [statistics.median(column) for column in zip(*rows, strict=True)]))


def _diagnosed(script: Path, budget_s: float) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(
            script.resolve().parent, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".fitdoctor")
        )
        command = [sys.executable, "-m", "fitdoctor", "diagnose", "-q", "--budget", str(budget_s), script.name]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return load_run(max((Path(folder) / ".fitdoctor").glob("*/run.json")))


def _row(run: Run) -> list[float]:
    found = seconds_of(run.stages)
    known = [found.get(name, 0.0) for name in COLUMNS]
    return [*known, max(0.0, run.spent_s - sum(known)), run.spent_s, found.get(FIRST_ANSWER, 0.0)]


def _line(name: str, row: list[float]) -> str:
    return f"| {name} | {' | '.join(f'{seconds:.1f}' for seconds in row)} |"


if __name__ == "__main__":
    main()
