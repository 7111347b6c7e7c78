"""Writes `docs/overhead.md` from the rows of `python -m bench.overhead`."""

from __future__ import annotations

import math
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import markdown

# The mark for the upper end of the interval, by the target in milliseconds.
MARKS = {1.0: 0.01, 0.2: 0.02}

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

This page shows what it costs a training to be watched. `python -m bench.overhead` measures all of this and writes the
page. Run nothing else at the same time.

{machine}

"""

IN_STEPS = """## In steps

**The method.** Within one `fit`, the patches of `fitdoctor watch` are applied and removed between blocks of about 12
ms. Two neighbouring blocks, one with the patches and one without, in random order, are a pair. Without the patches,
Keras' classes hold their own functions. The clock is read when all submitted work is computed. Up to eight steps after
each switch are not timed.

**Sampling.** Of steps below 2 ms, `fitdoctor watch` times 8 in about 1,400, or in 460 after a long one. So most blocks
of such steps contain no timed step. Some contain a few, as they come.

**The columns.** *In the loop* is the mean of the log ratios of pairs, without a tenth at either end, with Student's
95 % interval. *Saving* is the cost of saving the record in a thread: the delay that a save causes in a block, weighted
by how often a save happens. It is measured in one pair of eight. *In all* is the sum of both. Its upper end is compared
with the mark. *Nothing left out* is for comparison: the ratio of the sums of all blocks in the loop, with a bootstrap
interval.

**The models** are dense layers on NumPy arrays. Keras prints its progress once an epoch. If the smallest model takes
longer than the target, the smallest model is measured.

| Backend | Target | Step | Pairs | In the loop | Saving | In all | Mark | Nothing left out |
|---|---|---:|---:|---|---|---|---|---|
"""

OTHERS = """## Compared with other tools

At about 1 ms a step. There are three ways to compare:

* *Blocks of one fit*: the tool starts before a block and stops after it. Start and stop are not in the ratio; their
  seconds are given for both together.
* *Whole fits*: fits of two epochs with the tool and without it, in turn, begin and end included. The work of a callback
  at each epoch is spread over few steps here.
* *Whole processes*: only the steps of a script are compared.

| Backend | What | Step | Pairs | A step takes longer by | How |
|---|---|---:|---:|---|---|
"""

ONCE = """## Once

The first table shows fitdoctor's own work in the fits above at 1 ms a step: when a fit begins and ends, and when an
epoch ends. The second table compares whole processes: a script with about 10 s of steps, plain and under `fitdoctor
watch`, by the wall time of the command. *Empty script* is the cost of starting and ending alone.

| Backend | Patches applied | Fit begins | Epoch ends | Fit ends |
|---|---:|---:|---:|---:|
"""

WHOLE = """| Backend | Pairs | Plain | Longer by | More seconds | Empty script |
|---|---:|---:|---|---:|---:|
"""

LOOP = """## The loop alone

The real patches and the real recording around a `fit` that computes nothing (`bench/overhead/fake_keras.py`), in
nanoseconds a step: the median of pairs of fits, and their middle half.

| Backend | Callback with a hook at each step | ns a step |
|---|---|---|
"""


def page(rows: dict[str, Any]) -> str:
    """Returns the page as Markdown."""
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
    """Returns a row in short, for the terminal."""
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
    """Adds the loop and the saving. They are measured apart, so their errors add up in squares."""
    loop, saving = row["steps"], row["saving"]
    middle = loop["mid"] + saving["mid"]
    below = math.hypot(loop["mid"] - loop["low"], saving["mid"] - saving["low"])
    above = math.hypot(loop["high"] - loop["mid"], saving["high"] - saving["mid"])
    return {"low": middle - below, "mid": middle, "high": middle + above}


def _steps(row: dict[str, Any]) -> str:
    mark = MARKS.get(row["target_ms"])
    met = "" if mark is None else f"≤ {mark:.0%}: " + ("met" if in_all(row)["high"] <= mark else "**not met**")
    target = f"{row['target_ms']:g} ms" + (" (smallest)" if row["smallest"] else "")
    cells = (
        row["backend"],
        target,
        _ms(row["step_ms"]),
        row["pairs"],
        _share(row["steps"]),
        _share(row["saving"]),
        _share(in_all(row)),
        met,
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
    return markdown.paragraph(f"{len(marked) - len(missed)} of {len(marked)} marks are met. Not met: {names}.") + "\n"


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
    text = (
        f"{row['steps']:,} steps of that `fit` were watched, with a callback, validation and saves. The process held at"
        f" most {row['process_mb']:.1f} MB more than before. The file had at most {row['disk_mb']:.2f} MB. The marks,"
        f" {PROCESS_MB} MB and {DISK_MB} MB: {met}."
    )
    return f"## Memory\n\n{markdown.paragraph(text)}\n"


def _cells(*cells: Any) -> str:
    return markdown.row(cells) + "\n"


def _share(interval: dict[str, float]) -> str:
    digits = 2 if abs(interval["mid"]) < 0.1 else 0
    low, middle, high = (f"{interval[end] * 100:+.{digits}f}".replace("-", "−") for end in ("low", "mid", "high"))
    return f"{middle} % [{low}, {high}]"


def _ms(value: float) -> str:
    return f"{value:.3g} ms"


def _machines(rows: dict[str, Any]) -> str:
    """Describes the machines, versions and days of the rows, each one once."""
    machines = [row["machine"] for row in rows.values() if "machine" in row]
    if not machines:
        return "Nothing is measured yet."
    days = sorted({each["day"] for each in machines})
    where = sorted({each["where"] for each in machines})
    versions = dict.fromkeys(each for row in machines for each in row["versions"].split(", "))
    period = " to ".join(dict.fromkeys((days[0], days[-1])))
    return markdown.paragraph(f"{'; '.join(where)}. {', '.join(versions)}. Measured {period}.")


def machine() -> dict[str, str]:
    """Describes this machine and the versions in use."""
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
