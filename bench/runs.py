"""What the benchmarks share: a diagnosis as one row of figures, and pairs of whole runs."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fitdoctor.recording.load import load_run

os.environ.setdefault("FITDOCTOR_DIR", ".fitdoctor")  # recordings lie where the script runs, to be read from there
TREAT = [sys.executable, "-m", "fitdoctor", "treat", "--allow", "numerics,semantics"]

#: The exit code of `treat` where it has nothing to apply.
DECLINED = 2

#: A promise that is off by more than this must say so by its interval.
FAR = 0.25

#: The standard deviation of the log ratio of two fresh processes, one plain and one treated: `bench/trials/ drift`
#: found 8.5 % for one.
PAIR_DIFFERS = 0.12

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
    done = _run(
        [*fitdoctor, "diagnose", "-q", "--budget", str(budget_s), "-o", "report.json", name],
        folder,
        budget_s + PATIENCE_S,
    )
    if done.returncode:
        return _failed(done, began_s)
    report = json.loads((folder / "report.json").read_text())
    causes = [cause for cause in report["causes"] if cause["status"] != "informative"]
    prescription = report["prescription"] or {}
    return {
        "verdict": report["verdict"],
        "cause": causes[0]["id"] if causes else "",
        "causes": [[cause["id"], cause["status"], round(cause["share"], 3)] for cause in causes],
        "lines": (
            [place["line"] for place in causes[0]["locations"] if Path(place["file"]).name == target.name]
            if causes
            else []
        ),
        "remedies": prescription.get("remedies", []),
        "promised": prescription.get("speedup"),
        "projected_s": report["training"]["projected_s"],
        "limits": report["limits"],
        "seconds": time.perf_counter() - began_s,
    }


def pairs(target: Path, count: int) -> list[dict[str, Any]]:
    """Pairs of whole runs of a script that was diagnosed, in turn about: plain, and under `fitdoctor treat`.

    Each holds the seconds of both commands, their ratio, and what `treat` itself promised for what it applied.
    """
    found: list[dict[str, Any]] = []
    for turn in range(count):
        runs = {"plain_s": [sys.executable, target.name], "treated_s": [*TREAT, target.name]}
        order = list(runs) if turn % 2 else list(reversed(runs))
        seconds = {name: _whole_run_s(runs[name], target.parent) for name in order}
        if min(seconds.values()) <= 0:
            break  # it said why: nothing that `treat` could apply
        found.append(
            {**seconds, "ratio": seconds["plain_s"] / seconds["treated_s"], **_promised_by_treat(target.parent)}
        )
    return found


def _whole_run_s(command: list[str], folder: Path) -> float:
    """Seconds of a process from start to end, or 0 where `treat` declined. A failure ends the benchmark."""
    began_s = time.perf_counter()
    done = _run(command, folder, None)
    seconds = time.perf_counter() - began_s
    if done.returncode == DECLINED and "treat" in command:
        print(done.stderr.strip(), file=sys.stderr)
        return 0.0
    if done.returncode or any(words in done.stderr for words in UNTREATED):
        sys.exit(f"{' '.join(command)} in {folder} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return seconds


def _promised_by_treat(folder: Path) -> dict[str, Any]:
    run = load_run(max((folder / ".fitdoctor").glob("*/run.json"), key=lambda path: path.stat().st_mtime))
    treated = run.treated
    assert treated is not None
    taken = (treated.promised_high_s, treated.promised_s, treated.promised_low_s)
    low, mid, high = (treated.plain_s / max(1e-9, seconds + treated.own_s) for seconds in taken)
    return {
        "applied": treated.remedies,
        "promised": {"low": low, "mid": mid, "high": high},
        "to_target": treated.to_target,
    }


def promise_and_truth(row: dict[str, Any]) -> str:
    """The promised speed-up beside those of whole runs, where there were any."""
    promised = promise_of(row)
    said = f"{promised['mid']:.2f} [{promised['low']:.2f}, {promised['high']:.2f}]" if promised else "–"
    ratios = [each["ratio"] for each in row.get("pairs", [])]
    measured = " ".join(f"{ratio:.2f}" for ratio in ratios) or "–"
    off = f" ({error(row):+.0%})" if promised and ratios else ""
    return f"promised {said} · whole runs {measured}{off}"


def promise_of(row: dict[str, Any]) -> dict[str, float] | None:
    """What `treat` promised for what it applied, where it ran; else what the report promised."""
    found: dict[str, float] | None = row["pairs"][0]["promised"] if row.get("pairs") else row.get("promised")
    return found


def error(row: dict[str, Any]) -> float:
    """By how much a promise was too high, as a share of what whole runs gave."""
    promised = promise_of(row)
    assert promised is not None
    return promised["mid"] / statistics.geometric_mean([each["ratio"] for each in row["pairs"]]) - 1


def measured_between(ratios: list[float]) -> tuple[float, float]:
    """What the mean of so many pairs may be off by: 95 % of what processes of one script differ by anyway."""
    middle = statistics.geometric_mean(ratios)
    reach = math.exp(1.96 * PAIR_DIFFERS / math.sqrt(len(ratios)))
    return middle / reach, middle * reach


def truth_table(rows: list[dict[str, Any]], name: str) -> str:
    """All promises that were held against whole runs, as Markdown, with the median error below.

    A promise holds where the mean of the pairs lies in its interval. The last column also grants the pairs what fresh
    processes differ by, and decides nothing.
    """
    held = [row for row in rows if row.get("pairs")]
    lines = [
        "| script | applied | promised | pairs | their mean | off by | in the interval | intervals meet |",
        "|---|---|---|---|---|---|---|---|",
    ]
    inside, meeting = [], 0
    for row in held:
        promised, ratios = promise_of(row), [each["ratio"] for each in row["pairs"]]
        assert promised is not None
        mean, (low, high) = statistics.geometric_mean(ratios), measured_between(ratios)
        inside.append(promised["low"] <= mean <= promised["high"])
        meets = promised["low"] <= high and low <= promised["high"]
        meeting += meets
        said = f"{promised['mid']:.2f} [{promised['low']:.2f}, {promised['high']:.2f}]"
        target = ", to a target" if row["pairs"][0]["to_target"] else ""
        found = f"{mean:.2f} [{low:.2f}, {high:.2f}]"
        cells = (
            row[name],
            f"{' + '.join(row['pairs'][0]['applied'])}{target}",
            said,
            " ".join(f"{ratio:.2f}" for ratio in ratios),
            found,
        )
        lines.append(f"| {' | '.join(cells)} | {error(row):+.0%} | {_yes(inside[-1])} | {_yes(meets)} |")
    if held:
        errors = [abs(error(row)) for row in held]
        far = sum(size > FAR and not held_by for size, held_by in zip(errors, inside, strict=True))
        lines += [
            "",
            (
                f"{len(held)} promises: median error {statistics.median(errors):.0%}, {sum(inside)} whose interval"
                f" holds the mean of the pairs, {far} off by more than {FAR:.0%} without it; {meeting} whose interval"
                " meets that of the mean."
            ),
        ]
    return "\n".join(lines)


def _yes(held: bool) -> str:
    return "yes" if held else "no"


def _run(command: list[str], folder: Path, limit_s: float | None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"still running after {limit_s:.0f} s")


def _failed(done: subprocess.CompletedProcess[str], began_s: float) -> dict[str, Any]:
    said = done.stderr.strip().splitlines()[-3:]
    return {"verdict": f"exit {done.returncode}: {' '.join(said)[-300:]}", "seconds": time.perf_counter() - began_s}
