"""Measures what the scratch layer costs: starting a child, reading many files, and writing much.

    python -m bench.layer_cost --pairs 20

Pairs of processes in turns, in random order. Prints a table for `docs/harmless.md`: seconds, and the ratio with its 95
% interval (t interval of the log ratios of pairs).
"""

from __future__ import annotations

import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import click
from scipy import stats

from fitdoctor.process.contained import Contained

WAYS: Mapping[str, str] = {
    "starts and ends": "pass",
    "imports Keras on TensorFlow": "import keras",
    "reads 2,000 files of 10 kB": (
        "import os\nfor name in sorted(os.listdir('read')):\n    with open(os.path.join('read', name), 'rb') as file:"
        " file.read()"
    ),
    "reads 500 MB that lie in memory": "with open('large.bin', 'rb') as file:\n    while file.read(1 << 22): pass",
    "writes 2 GB": (
        "data = os.urandom(1 << 22)\nwith open('written.bin', 'wb') as file:\n    for _ in range(512): file.write(data)"
    ),
    "writes 2 GB and waits for the disk": (
        "data = os.urandom(1 << 22)\nwith open('written.bin', 'wb') as file:\n    for _ in range(512):"
        " file.write(data)\n    file.flush(); os.fsync(file.fileno())"
    ),
    "writes 2,000 files of 10 kB": (
        "os.makedirs('many', exist_ok=True)\nfor i in range(2000):\n    with open(f'many/{i}', 'wb') as file:"
        " file.write(bytes(10_000))"
    ),
}


@click.command()
@click.option(
    "--pairs",
    default=15,
    show_default=True,
    help="Pairs of processes of each kind; a quarter of them where 2 GB are written.",
)
@click.option("--only", default="", help="Only kinds whose name holds this.")
def main(pairs: int, only: str) -> None:
    """Measures all kinds and prints a table."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        _prepare(folder)
        print("| The child … | without a layer | with it | ratio |\n| --- | --- | --- | --- |")
        for way, program in WAYS.items():
            if only in way:
                count = max(4, pairs // 4) if "2 GB" in way else pairs
                print(_row(way, [_pair(folder, program) for _ in range(count)]), flush=True)


def _prepare(folder: Path) -> None:
    (folder / "read").mkdir()
    for index in range(2000):
        (folder / "read" / f"{index}.bin").write_bytes(os.urandom(10_000))
    (folder / "large.bin").write_bytes(os.urandom(500 << 20))


def _pair(folder: Path, program: str) -> tuple[float, float]:
    """Seconds without a layer and with it."""
    seconds = {layered: _time(folder, program, layered=layered) for layered in random.sample([False, True], 2)}
    return seconds[False], seconds[True]


def _time(folder: Path, program: str, *, layered: bool) -> float:
    child = folder / "run" / "child"
    child.mkdir(parents=True, exist_ok=True)
    notes = child / "notes.json"
    notes.write_text("{}")
    os.chdir(folder)
    began_s = time.perf_counter()
    contained = Contained(
        [sys.executable, "-c", f"import os\n{program}"],
        environment=dict(os.environ),
        folder=child,
        notes=notes,
        layered=layered,
        offline=False,
        places=[folder],
        temporary=[Path(tempfile.gettempdir()), Path.home()],
        caches=[],
        kept=folder / "run" / "kept",
        stdin=subprocess.DEVNULL,
        descriptors=(),
    )
    assert contained.process.stdout is not None
    said = contained.process.stdout.read().decode(errors="replace")
    contained.end()
    spent_s = time.perf_counter() - began_s
    assert contained.process.returncode == 0, said
    assert contained.started.layered == layered, contained.started.why
    for written in ("written.bin", "many"):
        subprocess.run(["rm", "-rf", str(folder / written)], check=True)
    os.sync()  # what one has written is not the other's to wait for
    return spent_s


def _row(way: str, pairs: list[tuple[float, float]]) -> str:
    logs = [math.log(layered / plain) for plain, layered in pairs]
    mean = statistics.fmean(logs)
    half = stats.t.ppf(0.975, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    plain_s, layered_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    low, high = math.exp(mean - half), math.exp(mean + half)
    return (
        f"| {way} | {plain_s:.3f} s | {layered_s:.3f} s | {math.exp(mean):.2f} [{low:.2f}, {high:.2f}] ({len(logs)}"
        " pairs) |"
    )


if __name__ == "__main__":
    main()
