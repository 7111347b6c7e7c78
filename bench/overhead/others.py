"""Measures the cost of other tools at the same steps.

Profilers are compared between blocks of one fit, callbacks between whole fits, scalene between processes.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from bench.overhead.blocks import Pair, Side, ratio
from bench.overhead.fit import VERBOSE, Watching, run
from bench.overhead.models import Size, data, environment, keras_of, model, size

TARGET_MS = 1.0

# The length of a block. Starting and stopping a profiler is not timed and takes long.
PROFILED_S = 0.2

# The length of an epoch if whole fits are compared. A fit has two epochs.
FIT_S = 0.5

SCRIPT = Path(__file__).with_name("script.py")

# The time of the script's steps, plain and for scalene, under which steps take up to 40 times as long; and the limit
# for a process.
SCRIPT_S, SCALENE_S, PATIENCE_S = 10.0, 1.0, 300.0

IN_BLOCKS = ("profiler", "pyinstrument")
IN_FITS = ("fitdoctor", "tensorboard", "histograms")


def measure(backend: str, other: str, seconds: float) -> dict[str, Any]:
    """Measures one row."""
    found = size(backend, TARGET_MS)
    how = _in_blocks if other in IN_BLOCKS else _in_fits if other in IN_FITS else _in_processes
    pairs, more = how(backend, other, found, seconds)
    return {
        "backend": backend,
        "other": other,
        "step_ms": statistics.median(pair.plain_s for pair in pairs) * 1000,
        "pairs": len(pairs),
        "steps": ratio(pairs),
        **more,
        "raw": [[pair.plain_s, pair.other_s, False] for pair in pairs],
    }


def _in_blocks(backend: str, other: str, found: Size, seconds: float) -> tuple[list[Pair], dict[str, Any]]:
    folder = tempfile.mkdtemp()
    start, stop = _pyinstrument() if other == "pyinstrument" else _PROFILERS[backend](folder)

    def leave() -> None:
        stop()
        shutil.rmtree(folder, ignore_errors=True)

    blocks = run(backend, found, Side(enter=start, leave=leave), seconds, least_s=PROFILED_S)
    return blocks.pairs, {
        "how": "blocks of one fit",
        "swap_s": sum(statistics.median(blocks.swapping_s[first::2]) for first in (0, 1)),
    }


def _tensorflow(folder: str) -> tuple[Callable[[], None], Callable[[], None]]:
    import tensorflow as tf

    return lambda: tf.profiler.experimental.start(folder), tf.profiler.experimental.stop


def _jax(folder: str) -> tuple[Callable[[], None], Callable[[], None]]:
    import jax

    return lambda: jax.profiler.start_trace(folder), jax.profiler.stop_trace


def _torch(_folder: str) -> tuple[Callable[[], None], Callable[[], None]]:
    import torch

    return _anew(torch.profiler.profile)


def _pyinstrument() -> tuple[Callable[[], None], Callable[[], None]]:
    import pyinstrument

    return _anew(pyinstrument.Profiler)


def _anew(make: Callable[[], Any]) -> tuple[Callable[[], None], Callable[[], None]]:
    running: list[Any] = []

    def start() -> None:
        running.append(make())
        running[-1].start()

    return start, lambda: running.pop().stop()


_PROFILERS = {"tensorflow": _tensorflow, "tf_keras": _tensorflow, "jax": _jax, "torch": _torch}
PROFILER = {"tensorflow": "tf.profiler", "tf_keras": "tf.profiler", "jax": "jax.profiler", "torch": "torch.profiler"}


def _in_fits(backend: str, other: str, found: Size, seconds: float) -> tuple[list[Pair], dict[str, Any]]:
    """Compares fits of two epochs, in turn, without the first pair."""
    keras, steps = keras_of(backend), max(2, round(FIT_S / found.step_s))
    x, y = data(found.batch, steps)
    made, folder = model(keras, found.width, lambda _: None), tempfile.mkdtemp()

    def fit_s(*, with_other: bool) -> float:
        watching = Watching(keras) if with_other and other == "fitdoctor" else None
        if watching is not None:
            watching.save()
        began_s = time.perf_counter()
        callbacks = []
        if with_other and other != "fitdoctor":
            callbacks = [keras.callbacks.TensorBoard(folder, histogram_freq=int(other == "histograms"))]
        with redirect_stdout(io.StringIO()):
            made.fit(x, y, batch_size=found.batch, epochs=2, shuffle=False, verbose=VERBOSE, callbacks=callbacks)
        spent_s = time.perf_counter() - began_s
        if watching is not None:
            watching.end()
            if watching.role.record.fits[0].step.count < steps:
                raise RuntimeError(f"the fit was not observed: {watching.role.record.limits}")
        return spent_s / steps / 2

    pairs = _alternate(lambda: fit_s(with_other=False), lambda: fit_s(with_other=True), seconds)
    shutil.rmtree(folder, ignore_errors=True)
    return pairs[1:], {"how": f"whole fits of 2 × {steps} steps"}


def _alternate(plain: Callable[[], float], other: Callable[[], float], seconds: float, fewest: int = 4) -> list[Pair]:
    until_s, pairs = time.perf_counter() + seconds, []
    while time.perf_counter() < until_s or len(pairs) < fewest:
        if len(pairs) % 2:
            other_s, plain_s = other(), plain()
        else:
            plain_s, other_s = plain(), other()
        pairs.append(Pair(plain_s, other_s))
    return pairs


def _in_processes(backend: str, _other: str, found: Size, _seconds: float) -> tuple[list[Pair], dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        scalene = [sys.executable, "-m", "scalene", "run", "-o", f"{folder}/profile.json", str(SCRIPT)]
        variables = _variables(backend, found, SCALENE_S)
        plain = [sys.executable, str(SCRIPT)]
        pairs = [Pair(_step_s(plain, variables, folder), _step_s(scalene, variables, folder)) for _ in range(3)]
    return pairs, {"how": "whole processes, their steps"}


def whole(backend: str, pairs: int) -> dict[str, Any]:
    """Compares whole processes, plain and under `fitdoctor watch`: by wall time, and by the steps alone."""
    found = size(backend, TARGET_MS)
    variables = _variables(backend, found, SCRIPT_S)
    plain, watched = [sys.executable], [sys.executable, "-m", "fitdoctor", "watch"]
    rounds, empty = [], []
    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder) / "nothing.py"
        nothing.touch()
        for turn in range(pairs):
            order = [plain, watched] if turn % 2 else [watched, plain]
            done = {len(command): script([*command, str(SCRIPT)], variables, folder) for command in order}
            rounds.append((done[len(plain)], done[len(watched)]))
            empty.append([_seconds([*command, str(nothing)], folder, None)[0] for command in (plain, watched)])
    wall = [Pair(one["wall_s"], two["wall_s"]) for one, two in rounds]
    steps = [Pair(one["steps_s"], two["steps_s"]) for one, two in rounds]
    return {
        "backend": backend,
        "pairs": pairs,
        "step_ms": statistics.median(pair.plain_s for pair in steps) * 1000,
        "plain_s": statistics.median(pair.plain_s for pair in wall),
        "wall": ratio(wall),
        "steps": ratio(steps),
        "added_s": statistics.median(pair.other_s - pair.plain_s for pair in wall),
        "nothing_s": statistics.median(watched_s - plain_s for plain_s, watched_s in empty),
        "raw": [[pair.plain_s, pair.other_s, False] for pair in wall],
        "raw_nothing": empty,
    }


def _variables(backend: str, found: Size, seconds: float) -> dict[str, str]:
    what = {
        "backend": backend,
        "width": found.width,
        "batch": found.batch,
        "steps": max(10, round(seconds / 10 / found.step_s)),
        "epochs": 10,
    }
    return {**environment(backend), "FITDOCTOR_BENCH": json.dumps(what)}


def script(command: list[str], variables: dict[str, str], folder: str) -> dict[str, float]:
    """Runs the script. Returns `wall_s` of the process and `steps_s`, the time of a step after the first epoch."""
    wall_s, out = _seconds(command, folder, variables)
    line = next(line for line in out.splitlines() if line.startswith("{"))
    return {"wall_s": wall_s, "steps_s": float(json.loads(line)["step_s"])}


def _step_s(command: list[str], variables: dict[str, str], folder: str) -> float:
    """Returns the seconds a step that the script prints, and ends the process: under scalene it may not end alone."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, cwd=folder, env=variables, start_new_session=True, **pipes) as process:
        late = threading.Timer(PATIENCE_S, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        try:
            assert process.stdout is not None
            return next(float(json.loads(line)["step_s"]) for line in process.stdout if line.startswith("{"))
        except StopIteration:
            raise RuntimeError(f"the script had not printed its steps after {PATIENCE_S:.0f} s, or failed") from None
        finally:
            late.cancel()
            os.killpg(process.pid, signal.SIGKILL)  # with all its children


def _seconds(command: list[str], folder: str, variables: dict[str, str] | None) -> tuple[float, str]:
    began_s = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables or dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{Path(command[-1]).name} was not over after {PATIENCE_S:.0f} s") from error
    wall_s = time.perf_counter() - began_s
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-1500:]}")
    return wall_s, done.stdout
