"""Measures what being watched costs a training, and what other tools cost at the same steps.

Run nothing else beside it.

    python -m bench.overhead                   everything, in half an hour: rows into overhead.json, and the page
                                               docs/overhead.md
    python -m bench.overhead --only 'jax/*' --seconds 60
    python -m bench.overhead --page            writes the page from the rows that exist; runs nothing

Rows that are in the file of rows are not measured again, unless `--only` names them. A row is a process of its own:

    BACKEND/0.2ms, /1ms, /10ms, /100ms   the seams of `fitdoctor watch`, in and out between blocks of steps within one
    fit BACKEND/fitdoctor, /tensorboard, /histograms, /profiler, /pyinstrument, /scalene   at 1 ms a step BACKEND/whole
    whole processes, plain and under `fitdoctor watch` loop, memory                         a `fit` that computes
    nothing: nanoseconds a step, and what a million steps leave
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.overhead import page
from bench.overhead.models import BACKENDS, WIDTHS, environment

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ("fitdoctor", "tensorboard", "histograms", "profiler", "pyinstrument", "scalene")
PATIENCE_S = 400
WHOLE_PAIRS = 3
SHARE_OF_OTHERS = 1.2
"""Others cost so much more that less time tells it."""
TIMES_WITH_A_MARK = 8
"""A row whose interval is held to a mark is given so many times as long."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", help="names of rows, with wildcards, separated by commas; they are measured anew")
    options.add_argument("--seconds", type=float, default=25, help="of blocks in a row")
    options.add_argument("--data", type=Path, default=Path("overhead.json"), help="the file of rows")
    options.add_argument("--out", type=Path, default=ROOT / "docs" / "overhead.md")
    options.add_argument(
        "--page", action="store_true", help="write the page from the rows that there are, and run nothing"
    )
    options.add_argument("--row", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.row:
        print("\n" + json.dumps(_measured(arguments.row, arguments.seconds)))
        return
    rows: dict[str, Any] = json.loads(arguments.data.read_text()) if arguments.data.exists() else {}
    for name in () if arguments.page else _wanted(arguments.only, rows):
        began_s = time.perf_counter()
        rows[name] = _row(name, arguments.seconds) | {"took_s": time.perf_counter() - began_s}
        print(f"{name:24} {rows[name]['took_s']:5.0f} s  {page.line(rows[name])}", flush=True)
        arguments.data.write_text(json.dumps({key: rows[key] for key in names() if key in rows}))
    arguments.out.write_text(page.page(rows), encoding="utf-8")


def names() -> list[str]:
    """All rows, in the order in which they are measured: what marks are set for comes first."""
    steps = [f"{backend}/{target:g}ms" for target in sorted(WIDTHS) for backend in BACKENDS]
    others = [
        f"{backend}/{other}" for other in OTHERS for backend in BACKENDS if other != "scalene" or backend == BACKENDS[0]
    ]
    return ["loop", "memory", *steps, *(f"{backend}/whole" for backend in BACKENDS), *others]


def _wanted(only: str | None, rows: dict[str, Any]) -> list[str]:
    if only is None:
        return [name for name in names() if name not in rows or "failed" in rows[name]]
    found = [name for name in names() if any(fnmatch.fnmatch(name, pattern) for pattern in only.split(","))]
    if not found:
        sys.exit(f"No row is called {only}. There are: {', '.join(names())}")
    return found


def _row(name: str, seconds: float) -> dict[str, Any]:
    """Measures in a process of its own; a failure is a row too."""
    command = [sys.executable, "-m", "bench.overhead", "--row", name, "--seconds", str(seconds)]
    told = environment(name.partition("/")[0] if "/" in name else "jax")
    patience_s = PATIENCE_S + 4 * TIMES_WITH_A_MARK * seconds
    try:
        done = subprocess.run(command, env=told, capture_output=True, text=True, check=False, timeout=patience_s)
    except subprocess.TimeoutExpired:
        return {"failed": "it took too long", "machine": page.machine()}
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1]
        return {"failed": why.removeprefix("RuntimeError: ")[:300], "machine": page.machine()}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"machine": page.machine()}


def _measured(name: str, seconds: float) -> dict[str, Any]:
    backend, _, what = name.partition("/")
    if name == "loop":
        from bench.overhead import loop

        return {"loops": loop.measure()}
    if name == "memory":
        from bench.overhead import memory

        return memory.measure()
    if re.fullmatch(r"[\d.]+ms", what):
        from bench.overhead import fit

        target_ms = float(what.removesuffix("ms"))
        return fit.measure(backend, target_ms, seconds * (TIMES_WITH_A_MARK if target_ms in page.MARKS else 1))
    from bench.overhead import others

    if what == "whole":
        return others.whole(backend, WHOLE_PAIRS)
    return others.measure(backend, what, seconds * SHARE_OF_OTHERS)


if __name__ == "__main__":
    main()
