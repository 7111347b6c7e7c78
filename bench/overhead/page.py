"""Writes the page of `bench/overhead/` from its rows."""

from __future__ import annotations

import math
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

MARKS = {1.0: 0.01, 0.2: 0.02}
"""For a target in milliseconds, what the upper end of the interval may be."""
PROCESS_MB, DISK_MB = 50, 5
PACKAGES = (
    "fitdoctor",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "torch",
    "tf_keras",
    "numpy",
    "tensorboard",
    "pyinstrument",
    "scalene",
)
NAMES = {
    "fitdoctor": "fitdoctor watch",
    "tensorboard": "TensorBoard callback, default",
    "histograms": "TensorBoard callback, `histogram_freq=1`",
    "pyinstrument": "pyinstrument",
    "scalene": "scalene",
}
PROFILERS = {"tensorflow": "tf.profiler", "tf_keras": "tf.profiler", "jax": "jax.profiler", "torch": "torch.profiler"}

TOP = """# Overhead

What it costs a training to be watched. `python -m bench.overhead` measures all of this and writes this page; run
nothing else beside it.

{machine}

"""

IN_STEPS = """## In steps

The patch points of `fitdoctor watch` are swapped in and out within one `fit`, between blocks of about 12 ms:
neighbouring blocks with and without them, in random order, are a pair. Without them, Keras' own functions stand in its classes.
The clock is read when all that was sent is computed, and up to eight steps after each swap are not timed. Of steps
below 2 ms, `fitdoctor watch` looks at 8 in about 1,400, or in 460 after one that took long, so that most blocks of
such have no look in them, and some have one, as they come.

*In the loop* is the mean of the log ratios of pairs, a tenth of them left out at either end, with Student's 95 %
interval. *Saving* is what a save of the record, in a thread, holds a block up, in one pair of eight, as often as one
comes. *In all* is their sum, whose upper end is held to the mark. *Nothing left out* is the ratio of the sums of all
blocks in the loop, with a bootstrap interval, for comparison.

Models are dense layers on NumPy arrays, with Keras' progress printed once an epoch. Where the smallest model takes
longer than the target, it is what is measured.

| Backend | Target | Step | Pairs | In the loop | Saving | In all | Mark | Nothing left out |
|---|---|---:|---:|---|---|---|---|---|
"""

OTHERS = """## Beside others

At about 1 ms a step. *Blocks of one fit*: started before a block and stopped after it, neither of which is timed but
told as seconds for both. *Whole fits* of two epochs in turn, their begin and end included: what a callback does at
each epoch is spread over few steps here. *Whole processes*: the steps of a script, the rest left out.

| Backend | What | Step | Pairs | A step takes longer by | How |
|---|---|---:|---:|---|---|
"""

ONCE = """## Once

Our own part where a fit of the first table, at 1 ms a step, begins and ends, and at its epochs' ends. Then whole
processes: a script of some 10 s of steps, plain and under `fitdoctor watch`, by the wall time of the command. *A
script of nothing* is what starting and ending costs by itself.

| Backend | Patches applied | Fit begins | Epoch ends | Fit ends |
|---|---:|---:|---:|---:|
"""

WHOLE = """| Backend | Pairs | Plain | Longer by | More seconds | A script of nothing |
|---|---:|---:|---|---:|---:|
"""

LOOP = """## The loop alone

The real patch points and the real recording around a `fit` that computes nothing (`bench/overhead/fake_keras.py`), as
nanoseconds a step: the median of pairs of fits, and the middle half of them.

| Seams of | Callback with a hook at each step | ns a step |
|---|---|---|
"""


def page(rows: dict[str, Any]) -> str:
    """The page as Markdown."""
    parts = [TOP.format(machine=_machines(rows))]
    steps = [row for row in rows.values() if "target_ms" in row]
    if steps:
        parts += [IN_STEPS, *(_steps(row) for row in steps), "\n", _verdict(steps), "\n"]
    if others := [row for row in rows.values() if "other" in row]:
        parts += [OTHERS, *(_other(row) for row in others), "\n"]
    whole = [row for row in rows.values() if "nothing_s" in row]
    if steps or whole:
        parts += [ONCE, *(_once(row) for row in steps if row["target_ms"] == 1.0), "\n"]
        parts += [WHOLE, *(_whole(row) for row in whole), "\n"] if whole else []
    if "loops" in rows.get("loop", {}):
        parts += [LOOP, *(_loop(each) for each in rows["loop"]["loops"]), "\n"]
    if "process_mb" in rows.get("memory", {}):
        parts.append(_memory(rows["memory"]))
    if failed := {name: row["failed"] for name, row in rows.items() if "failed" in row}:
        parts += ["\n## Not measured\n\n", *(f"* {name}: {why}\n" for name, why in failed.items())]
    return "".join(parts).rstrip() + "\n"


def line(row: dict[str, Any]) -> str:
    """A row in short, for the terminal."""
    if "failed" in row:
        return f"failed: {row['failed']}"
    if "target_ms" in row:
        return f"{row['step_ms']:.2f} ms a step, in all {_share(in_all(row))}, {row['pairs']} pairs"
    if "loops" in row:
        return ", ".join(f"{each['ns']:.0f}" for each in row["loops"]) + " ns a step"
    if "process_mb" in row:
        return f"{row['process_mb']:.1f} MB, {row['disk_mb']:.2f} MB on disk"
    return f"{row['step_ms']:.2f} ms a step, {_share(row.get('wall', row['steps']))}, {row['pairs']} pairs"


def in_all(row: dict[str, Any]) -> dict[str, float]:
    """The loop and the saving together; they were measured apart, so what they may be off by adds up in squares."""
    loop, saving = row["steps"], row["saving"]
    middle = loop["mid"] + saving["mid"]
    below = math.hypot(loop["mid"] - loop["low"], saving["mid"] - saving["low"])
    above = math.hypot(loop["high"] - loop["mid"], saving["high"] - saving["mid"])
    return {"low": middle - below, "mid": middle, "high": middle + above}


def _steps(row: dict[str, Any]) -> str:
    mark = MARKS.get(row["target_ms"])
    told = "" if mark is None else f"≤ {mark:.0%}: " + ("met" if in_all(row)["high"] <= mark else "**not met**")
    target = f"{row['target_ms']:g} ms" + (" (smallest)" if row["smallest"] else "")
    cells = (
        row["backend"],
        target,
        _ms(row["step_ms"]),
        row["pairs"],
        _share(row["steps"]),
        _share(row["saving"]),
        _share(in_all(row)),
        told,
        _share(row["of_sums"]),
    )
    return _cells(*cells)


def _verdict(steps: list[dict[str, Any]]) -> str:
    marked = [row for row in steps if row["target_ms"] in MARKS]
    missed = [row for row in marked if in_all(row)["high"] > MARKS[row["target_ms"]]]
    if not missed:
        return f"All {len(marked)} marks are met.\n" if marked else ""
    names = ", ".join(
        f"{row['backend']} at {row['target_ms']:g} ms (upper end {in_all(row)['high']:.2%})" for row in missed
    )
    return f"{len(marked) - len(missed)} of {len(marked)} marks are met. Not met: {names}.\n"


def _other(row: dict[str, Any]) -> str:
    name = PROFILERS[row["backend"]] if row["other"] == "profiler" else NAMES[row["other"]]
    how = row["how"] + (f"; {row['swap_s']:.2g} s to start and stop" if "swap_s" in row else "")
    return _cells(row["backend"], name, _ms(row["step_ms"]), row["pairs"], _share(row["steps"]), how)


def _once(row: dict[str, Any]) -> str:
    once = row["once_s"]
    ends = once.get("on_epoch_end", {}).get("median_s", 0.0)
    cells = (
        once["seams are put in"],
        once["fit begins"]["first_s"] + once["on_train_begin"]["first_s"],
        ends,
        once["fit ends"]["first_s"],
    )
    return _cells(row["backend"], *(f"{seconds * 1000:.2g} ms" for seconds in cells))


def _whole(row: dict[str, Any]) -> str:
    nothing = f"{row['nothing_s']:+.2f} s"
    return _cells(
        row["backend"],
        row["pairs"],
        f"{row['plain_s']:.1f} s",
        _share(row["wall"]),
        f"{row['added_s']:+.2f} s",
        nothing,
    )


def _loop(each: dict[str, Any]) -> str:
    return _cells(
        each["backend"],
        "yes" if each["callback"] else "no",
        f"{each['ns']:.0f} ({each['low']:.0f} to {each['high']:.0f})",
    )


def _memory(row: dict[str, Any]) -> str:
    met = "met" if row["process_mb"] < PROCESS_MB and row["disk_mb"] < DISK_MB else "**not met**"
    return (
        f"## Memory\n\n{row['steps']:,} steps of that `fit`, watched, with a callback, validation and saves on the way:"
        f" the process held at most {row['process_mb']:.1f} MB more than before, the file {row['disk_mb']:.2f} MB."
        f" Under {PROCESS_MB} MB and {DISK_MB} MB: {met}.\n"
    )


def _cells(*cells: Any) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def _share(interval: dict[str, float]) -> str:
    digits = 2 if abs(interval["mid"]) < 0.1 else 0
    low, middle, high = (f"{interval[end] * 100:+.{digits}f}".replace("-", "−") for end in ("low", "mid", "high"))
    return f"{middle} % [{low}, {high}]"


def _ms(value: float) -> str:
    return f"{value:.3g} ms"


def _machines(rows: dict[str, Any]) -> str:
    """Rows may come from several days; what they have in common is said once."""
    told = [row["machine"] for row in rows.values() if "machine" in row]
    if not told:
        return "Nothing is measured yet."
    days = sorted({each["day"] for each in told})
    where = sorted({each["where"] for each in told})
    versions = dict.fromkeys(each for row in told for each in row["versions"].split(", "))
    return f"{'; '.join(where)}. {', '.join(versions)}. Measured {' to '.join(dict.fromkeys((days[0], days[-1])))}."


def machine() -> dict[str, str]:
    """Where a row was measured, and with what."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "where": f"{_processor()}, {cores} cores, {platform.platform(terse=True)}",
        "versions": ", ".join([f"Python {platform.python_version()}", *found]),
        "day": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (text.partition(":")[2].strip() for text in lines if text.startswith("model name")), platform.processor()
    )
