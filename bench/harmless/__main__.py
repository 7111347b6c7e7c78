"""Compares watched trainings with the same trainings alone.

Compared are weights, history, printed text, files, exit codes and signals. Where two plain runs agree bit for bit, the
watched one must agree with them. Two parts:

* the matrix: kinds of input, model, validation, weights and callbacks on each backend, so that every two of them meet,
  in one process
* whole processes: scripts by themselves and under `fitdoctor watch`, however they end
* whole processes with companions: a debugger, other processes, threads, MLflow

    python -m bench.harmless --results harmless.jsonl --page docs/harmless.md
    python -m bench.harmless --results harmless.jsonl --backends jax --parts matrix

What a results file holds is not run again, so that it can be done in several goes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.harmless import page, processes
from bench.harmless.matrix import BACKENDS, cases, controlled, measure
from bench.harmless.results import environment, rows

CHUNK = 14
"""Cases of one process: one that hangs or dies costs no more than these."""
CHUNK_S = 360.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--backends", nargs="*", default=list(BACKENDS), choices=BACKENDS)
    options.add_argument("--parts", nargs="*", default=["matrix", "processes"], choices=["matrix", "processes"])
    options.add_argument("--results", type=Path, default=Path("harmless.jsonl"))
    options.add_argument("--page", type=Path, help="write the tables into this page, in place of those that it has")
    options.add_argument("--seconds", type=float, default=1e9, help="begin nothing new after that long")
    options.add_argument("--chunk", help=argparse.SUPPRESS)
    options.add_argument("--control", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.chunk:
        _run_chunk(given.chunk, given.backends[0], given.results)
        return
    if given.control:
        row = next(
            row for row in rows(given.results) if (row["backend"], row["name"]) == (given.backends[0], given.control)
        )
        _add(given.results, controlled(given.backends[0], row))
        return
    until_s = time.monotonic() + given.seconds
    given.results.touch()
    for backend in given.backends:
        if "matrix" in given.parts:
            _matrix(backend, given.results, until_s)
        if "processes" in given.parts:
            processes.run(backend, given.results, until_s)
    if given.page:
        page.write(given.page, rows(given.results))


def _matrix(backend: str, results: Path, until_s: float) -> None:
    done = {row["name"] for row in rows(results) if (row["part"], row["backend"]) == ("matrix", backend)}
    left = [index for index, case in enumerate(cases(backend)) if _name(case) not in done]
    for start in range(0, len(left), CHUNK):
        if time.monotonic() > until_s:
            return
        chunk = left[start : start + CHUNK]
        command = [
            sys.executable,
            "-m",
            "bench.harmless",
            "--chunk",
            json.dumps(chunk),
            "--backends",
            backend,
            "--results",
            str(results.absolute()),
        ]
        try:
            ended = subprocess.run(
                command, env=environment(backend), capture_output=True, text=True, check=False, timeout=CHUNK_S
            )
            why = f"exit code {ended.returncode}: {ended.stderr[-500:]}" if ended.returncode else ""
        except subprocess.TimeoutExpired:
            why = f"not done after {CHUNK_S:.0f} s"
        if why:
            print(f"{backend} {chunk}: {why}", file=sys.stderr)
    for row in rows(results):
        if (
            (row["part"], row["backend"]) == ("matrix", backend)
            and row["changed"]
            and "controls" not in row
            and time.monotonic() < until_s
        ):
            command = [
                sys.executable,
                "-m",
                "bench.harmless",
                "--control",
                row["name"],
                "--backends",
                backend,
                "--results",
                str(results.absolute()),
            ]
            subprocess.run(command, env=environment(backend), capture_output=True, check=False, timeout=CHUNK_S)


def _run_chunk(chunk: str, backend: str, results: Path) -> None:
    every = cases(backend)

    def told(row: dict[str, Any]) -> None:
        _add(results, {"part": "matrix", "backend": backend, "name": _name(row["case"]), **row})

    measure(backend, [every[index] for index in json.loads(chunk)], told)


def _add(results: Path, row: dict[str, Any]) -> None:
    with results.open("a") as file:
        file.write(json.dumps(row) + "\n")


def _name(case: dict[str, str]) -> str:
    return " ".join(case.values())


if __name__ == "__main__":
    main()
