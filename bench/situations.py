"""Measures the three situations of `docs/situations.md`, and what `fitdoctor diagnose` reports on their examples.

    python -m bench.situations                                 all tables, as Markdown
    python -m bench.situations --only batch --seeds 10
    python -m bench.situations --diagnose --write docs/situations.md

Run nothing else beside it. Seconds per epoch come from blocks of a few epochs of each variant in random order, the
first epoch of a block left out; a ratio is the geometric mean over blocks with Student's t interval of 95 %. Time to
target is that inside `fit`, compiling included, up to the end of the first epoch at which the target is met, with a
fresh model for each seed.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EPOCHS_OF_A_BLOCK = 5

EXAMPLES = {"scaling": "unscaled_inputs.py", "batch": "batch_size.py", "tensorboard": "tensorboard_histograms.py"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to train: how to build a compiled model, and the arguments of its `fit`."""

    name: str
    build: Callable[[], Any]
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Variants of one training, the one to compare with first. Without a target only epochs are timed."""

    title: str
    variants: tuple[Variant, ...]
    validation: tuple[Any, Any] | None = None
    target: float = 0.0
    most_epochs: int = 0


def scaling() -> Situation:
    """A small dense network on 1000 rows of ten columns that go up to 1, …, 1000, as they are and scaled to 0–1."""
    import numpy as np

    x, y = _table(2000)
    raw = x * np.geomspace(1, 1000, 10, dtype="float32")
    scaled = (raw - raw[:1000].min(axis=0)) / np.ptp(raw[:1000], axis=0)
    variants = tuple(
        Variant(name=name, build=_classifier(), arguments=_fit(table, y, 1000, 32))
        for name, table in (("as they are", raw), ("scaled to 0–1", scaled))
    )
    return Situation(title="Scaled inputs", variants=variants, target=0.9, most_epochs=150)


def batch() -> Situation:
    """10,000 rows: batches of 32 and of 256, and the larger one with a learning rate that goes with it."""
    x, y = _table(12_000)
    choices = (
        ("batch 32", 32, 1e-3),
        ("batch 256", 256, 1e-3),
        ("batch 256, learning rate × √8", 256, 1e-3 * math.sqrt(8)),
    )
    variants = tuple(
        Variant(name=name, build=_classifier(rate), arguments=_fit(x, y, 10_000, size)) for name, size, rate in choices
    )
    return Situation(title="Batch size", variants=variants, target=0.97, most_epochs=200)


def tensorboard() -> Situation:
    """A network with wide layers and short epochs, with and without TensorBoard."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(640, 784)).astype("float32"), rng.integers(0, 4, 640)

    def build() -> Any:
        layers = [keras.layers.Dense(1024, activation="relu"), keras.layers.Dense(1024, activation="relu")]
        model = keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(4, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    boards: dict[str, dict[str, Any] | None] = {
        "no TensorBoard": None,
        "TensorBoard, scalars only": {"histogram_freq": 0},
        "TensorBoard, histograms each epoch": {"histogram_freq": 1},
    }
    variants = []
    for name, options in boards.items():
        callbacks = [] if options is None else [keras.callbacks.TensorBoard(tempfile.mkdtemp(), **options)]
        variants.append(
            Variant(name=name, build=build, arguments={"x": x, "y": y, "batch_size": 64, "callbacks": callbacks})
        )
    return Situation(title="TensorBoard's histograms", variants=tuple(variants))


SITUATIONS = {"scaling": scaling, "batch": batch, "tensorboard": tensorboard}


def _table(rows: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, (rows, 10)).astype("float32")
    return x, (x[:, 0] + x[:, 1] * x[:, 2] > x[:, 3] + 0.25).astype("float32")


def _classifier(rate: float = 1e-3) -> Callable[[], Any]:
    def build() -> Any:
        import keras

        layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(32, activation="relu")]
        model = keras.Sequential([keras.Input((10,)), *layers, keras.layers.Dense(1, activation="sigmoid")])
        model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
        return model

    return build


def _fit(x: Any, y: Any, training: int, batch_size: int) -> dict[str, Any]:
    return {
        "x": x[:training],
        "y": y[:training],
        "batch_size": batch_size,
        "validation_data": (x[training:], y[training:]),
    }


def epoch_seconds(situation: Situation, blocks: int) -> list[list[float]]:
    """The median epoch of each block, by variant. Validation is left out: it is the same in all variants."""
    import keras

    keras.utils.set_random_seed(0)
    models = [variant.build() for variant in situation.variants]
    seconds: list[list[float]] = [[] for _ in models]
    for block in range(blocks + 1):
        for turn in random.sample(range(len(models)), len(models)):
            clock = _clock()
            arguments = {
                key: value for key, value in situation.variants[turn].arguments.items() if key != "validation_data"
            }
            arguments["callbacks"] = [*arguments.get("callbacks", []), clock]
            models[turn].fit(**arguments, epochs=EPOCHS_OF_A_BLOCK + 1, verbose=0)
            if block:  # the first block compiles
                seconds[turn].append(statistics.median(clock.seconds[1:]))
    return seconds


def seconds_to_target(situation: Situation, variant: Variant, seed: int) -> float | None:
    """Seconds in `fit` until validation accuracy meets the target, or None where it never does."""
    import keras

    keras.utils.set_random_seed(seed)
    model = variant.build()

    class Stop(keras.callbacks.Callback):
        reached_s: float | None = None

        def on_epoch_end(self, _epoch: int, logs: Any = None) -> None:
            if logs["val_accuracy"] >= situation.target:
                self.reached_s = time.perf_counter() - began_s
                self.model.stop_training = True

    stop, began_s = Stop(), time.perf_counter()
    model.fit(**variant.arguments, epochs=situation.most_epochs, callbacks=[stop], verbose=0)
    return stop.reached_s


def _clock() -> Any:
    import keras

    class Clock(keras.callbacks.Callback):
        """Stands last in the list, so that an epoch ends after the other callbacks have."""

        def on_train_begin(self, _logs: Any = None) -> None:
            self.seconds: list[float] = []
            self.last_s = time.perf_counter()

        def on_epoch_end(self, _epoch: int, _logs: Any = None) -> None:
            now_s = time.perf_counter()
            self.seconds.append(now_s - self.last_s)
            self.last_s = now_s

    return Clock()


def ratio(first: list[float], other: list[float]) -> str:
    """How many times as long an epoch of the first takes, with its interval."""
    from scipy import stats

    logs = [math.log(a / b) for a, b in zip(first, other, strict=True)]
    half = stats.t.ppf(0.975, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    low, mid, high = (math.exp(statistics.mean(logs) + sign * half) for sign in (-1, 0, 1))
    return f"{mid:.2f} [{low:.2f}, {high:.2f}]"


def measure(situation: Situation, blocks: int, seeds: int) -> str:
    """A Markdown table with a row for each variant."""
    raced = situation.most_epochs > 0
    seconds = epoch_seconds(situation, blocks)
    head = ["", "an epoch", "times as fast"] + (
        [f"reached {situation.target:.0%} of validation accuracy", "median time to it"] if raced else []
    )
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for turn, variant in enumerate(situation.variants):
        row = [
            variant.name,
            f"{1000 * statistics.median(seconds[turn]):.0f} ms",
            ratio(seconds[0], seconds[turn]) if turn else "1",
        ]
        if raced:
            times = [seconds_to_target(situation, variant, seed) for seed in range(seeds)]
            reached = sorted(s for s in times if s is not None)
            row += [f"{len(reached)} of {seeds}", f"{statistics.median(reached):.1f} s" if reached else "–"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def diagnose(example: str, budget_s: float) -> str:
    """What `fitdoctor diagnose` prints for an example, as a block of Markdown."""
    script = f"examples/{example}"
    command = [sys.executable, "-m", "fitdoctor", "diagnose", "-q", "--budget", f"{budget_s:g}", script]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "100"}
    )
    if done.returncode:
        sys.exit(f"{script}: exit code {done.returncode}\n{done.stderr}")
    return f"```console\n$ fitdoctor diagnose --budget {budget_s:g} {script}\n\n{done.stdout.strip(chr(10))}\n```"


def put(page: Path, marker: str, text: str) -> None:
    """Puts a text between the markers of that name."""
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=list(SITUATIONS), action="append")
    options.add_argument("--blocks", type=int, default=20, help="blocks of epochs for each variant")
    options.add_argument("--seeds", type=int, default=10, help="runs to the target for each variant")
    options.add_argument("--diagnose", action="store_true", help="also diagnose the examples")
    options.add_argument("--budget", type=float, default=240, help="seconds of a diagnosis; a race needs some")
    options.add_argument("--write", type=Path, help="a page with markers, to put all of it into")
    arguments = options.parse_args()
    for name in arguments.only or SITUATIONS:
        situation = SITUATIONS[name]()
        parts = {f"{name}-measured": measure(situation, arguments.blocks, arguments.seeds)}
        if arguments.diagnose:
            parts[f"{name}-diagnosed"] = diagnose(EXAMPLES[name], arguments.budget)
        print(f"## {situation.title}\n\n" + "\n\n".join(parts.values()) + "\n", flush=True)
        for marker, text in parts.items():
            if arguments.write:
                put(arguments.write, marker, text)


if __name__ == "__main__":
    main()
