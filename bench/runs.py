"""What the benchmarks share: a diagnosis as one row of figures, and pairs of whole runs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fitdoctor.changes.environment import environment, of_process

LAUNCH = Path(__file__).resolve().parent.parent / "src" / "fitdoctor" / "launch.py"

#: What a treated run says where it ran as written.
UNTREATED = ("Not treated", "Some changes were left out", "Nothing is changed")

#: A diagnosis or a watched run that takes this long beyond its budget hangs.
PATIENCE_S = 1200


def diagnosis(target: Path, budget_s: float, *, watched: bool = False) -> dict[str, Any]:
    """Diagnoses a script; where `watched`, from a whole run of it that is watched first.

    The row has no `cause` key where the diagnosis failed.
    """
    folder, began_s = target.parent, time.perf_counter()
    fitdoctor = [sys.executable, "-m", "fitdoctor"]
    name = target.name
    if watched:
        done = _run([*fitdoctor, "watch", name], folder, PATIENCE_S)
        if done.returncode:
            return _failed(done, began_s)
        name = str(max((folder / ".fitdoctor").iterdir()).relative_to(folder))
    done = _run([*fitdoctor, "diagnose", "-q", "--budget", str(budget_s), "-o", "report.json", name], folder, budget_s + PATIENCE_S)
    if done.returncode:
        return _failed(done, began_s)
    report = json.loads((folder / "report.json").read_text())
    causes = [cause for cause in report["causes"] if cause["status"] != "informative"]
    prescription = report["prescription"] or {}
    here = str(folder.resolve())
    return {
        "verdict": report["verdict"],
        "cause": causes[0]["id"] if causes else "",
        "causes": [[cause["id"], cause["status"], round(cause["share"], 3)] for cause in causes],
        "lines": [place["line"] for place in causes[0]["locations"] if Path(place["file"]).name == target.name] if causes else [],
        "remedies": prescription.get("remedies", []),
        "promised": prescription.get("speedup"),
        "projected_s": report["training"]["projected_s"],
        "limits": report["limits"],
        "treatments": [{**each, "file": each["file"].replace(here, "")} for each in prescription.get("treatments", [])],
        "seconds": time.perf_counter() - began_s,
    }


def pair(target: Path, treatments: list[dict[str, Any]], turn: int) -> dict[str, float]:
    """Two whole runs in turn about: plain, and with the prescription applied while it runs."""
    here = str(target.parent.resolve())
    placed = json.loads(json.dumps(treatments))
    for each in placed:
        each["file"] = here + each["file"]
    outer = of_process([change for each in placed for change in each["changes"]])
    spec = {
        "role": "treat", "mode": "script", "target": target.name, "arguments": [], "out": os.devnull,
        "spawned_s": time.monotonic(), "treatments": placed, "process_changes": outer,
    }  # fmt: skip
    (target.parent / "treat.json").write_text(json.dumps(spec))
    runs = {"plain_s": [sys.executable, target.name], "treated_s": [sys.executable, str(LAUNCH), "treat.json"]}
    order = list(runs) if turn % 2 else list(reversed(runs))
    variables = {"plain_s": dict(os.environ), "treated_s": environment(outer, os.environ)}
    seconds = {name: whole_run_s(runs[name], target.parent, variables[name]) for name in order}
    return {**seconds, "ratio": seconds["plain_s"] / seconds["treated_s"]}


def whole_run_s(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> float:
    """Seconds of a process from start to end; leaves where it fails."""
    began_s = time.perf_counter()
    done = _run(command, folder, None, variables)
    seconds = time.perf_counter() - began_s
    if done.returncode or any(words in done.stderr for words in UNTREATED):
        sys.exit(f"{' '.join(command)} in {folder} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return seconds


def promise_and_truth(row: dict[str, Any]) -> str:
    """The promised speed-up beside those of whole runs, where there were any."""
    promised = row.get("promised")
    said = f"{promised['mid']:.2f} [{promised['low']:.2f}, {promised['high']:.2f}]" if promised else "–"
    ratios = [each["ratio"] for each in row.get("pairs", [])]
    measured = " ".join(f"{ratio:.2f}" for ratio in ratios) or "–"
    off = f" ({promised['mid'] / statistics.geometric_mean(ratios) - 1:+.0%})" if promised and ratios else ""
    return f"promised {said} · whole runs {measured}{off}"


def _run(
    command: list[str], folder: Path, limit_s: float | None, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"still running after {limit_s:.0f} s")


def _failed(done: subprocess.CompletedProcess[str], began_s: float) -> dict[str, Any]:
    said = done.stderr.strip().splitlines()[-3:]
    return {"verdict": f"exit {done.returncode}: {' '.join(said)[-300:]}", "seconds": time.perf_counter() - began_s}
