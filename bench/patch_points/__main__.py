"""Shows which patch points each version of Keras has, and whether watching changes a training on it.

Each version is installed into a folder of its own, without its dependencies, over the packages that are installed
here. A Keras that is too old for the installed JAX gets a JAX of its own time. For each backend, one process finds the
patch points (`bench/patch_points/check.py`); then a small training runs alone and watched.

Example:
    $ python -m bench.patch_points --out docs/patch-points.md
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("FITDOCTOR_DIR", ".fitdoctor")  # recordings lie where the script runs, to be read from there
ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.5.0", "3.6.0", "3.7.0", "3.9.2", "3.12.0", "")
"""The last one is what is installed here."""
BACKENDS = ("tensorflow", "jax", "torch")
OLDER_JAX, NEEDED_BEFORE = ("jax==0.4.35", "jaxlib==0.4.35"), (3, 10)
"""What Keras before that version needs: later ones took `jax.spmd_mode` away."""
STEPS = (5 * 2, 10, 10)
"""Steps of each fit in the script: what is watched has to count them."""

SCRIPT = """\
import hashlib
import keras
import numpy as np

keras.utils.set_random_seed(0)
x = np.random.rand(320, 8).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return x[index * 32:index * 32 + 32], y[index * 32:index * 32 + 32]


def batches():
    while True:
        yield x[:32], y[:32]


model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("adam", "mse")
history = model.fit(x, y, epochs=2, batch_size=32, validation_split=0.5, verbose=0)
print(history.history)
model.fit(Batches(workers=2), shuffle=False, verbose=0)
model.fit(batches(), steps_per_epoch=10, validation_data=(x, y), verbose=0)
print(model.predict(x[:2], verbose=0).shape)
print(hashlib.md5(b"".join(np.asarray(w).tobytes() for w in model.get_weights())).hexdigest())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    keras: str
    backend: str
    stack: str
    seams: str
    yields: str
    watched: str


def overlay(folder: Path, *packages: str) -> Path:
    """Puts packages into a folder of their own, unless they are there already.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    target = folder / packages[0].replace("==", "-")
    if not target.exists():
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            "install",
            "--no-deps",
            "--target",
            str(target),
        ]
        subprocess.run([*pip, *packages], check=True)
    return target


def look(version: str, backend: str, folder: Path) -> Row:
    """Checks one version on one backend."""
    path = [str(ROOT / "src")]
    if version:
        path.insert(0, str(overlay(folder, f"keras=={version}")))
    if version and backend == "jax" and tuple(int(part) for part in version.split(".")[:2]) < NEEDED_BEFORE:
        path.insert(0, str(overlay(folder, *OLDER_JAX)))
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join(path),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    checked = _run([sys.executable, "-m", "bench.patch_points.check"], environment, ROOT)
    if checked.returncode:
        why = checked.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        return Row(
            keras=version or "installed",
            backend=backend,
            stack="",
            seams="",
            yields="",
            watched=f"not imported: {why[0][:160]}",
        )
    found = json.loads(checked.stdout.splitlines()[-1])
    missing = found["missing"]
    return Row(
        keras=found["keras"],
        backend=backend,
        stack=found["stack"],
        seams=f"{len(found['seams'])} of {len(found['seams']) + len(missing)}",
        yields=found["yields"],
        watched=_watched(environment),
    )


def _watched(environment: dict[str, str]) -> str:
    """Whether a training prints the same with and without us, weights included, and every step of it was counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "train.py").write_text(SCRIPT)
        plain = _run([sys.executable, "train.py"], environment, folder)
        if plain.returncode:
            return f"the script fails without us: {plain.stderr.strip().splitlines()[-1][:160]}"
        watched = _run([sys.executable, "-m", "fitdoctor", "watch", "train.py"], environment, folder)
        if watched.returncode:
            return f"no: {watched.stderr.strip().splitlines()[-1][:160]}"
        if not watched.stdout.startswith(plain.stdout):
            return "no: it printed something else"
        run = json.loads(next(folder.glob(".fitdoctor/*/run.json")).read_text())["watched"]
        if run["limits"]:
            return f"the same; limits: {' '.join(run['limits'])}"
        steps = tuple(
            sum(fit[kind]["count"] for kind in ("first_step", "epoch_first_step", "step")) for fit in run["fits"]
        )
        return "the same" if steps == STEPS else f"no: {steps} steps were counted, expected {STEPS}"


def _run(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


def table(rows: list[Row]) -> str:
    """The page."""
    lines = [
        "# Seams by version",
        "",
        (
            "Where fitdoctor stands in Keras (`src/fitdoctor/probe/instrument/patch_points.py`), by version and"
            " backend. *Watched* says whether a"
        ),
        (
            "small training printed the same plainly and under `fitdoctor watch`, its weights by hash included, and"
            " whether each of its steps"
        ),
        (
            "was counted. Trials are tested on the newest Keras alone. Every version lies over the packages of the"
            " stack, without"
        ),
        "dependencies of its own. Written by `python -m bench.patch_points --out docs/patch-points.md`.",
        "",
        "| Keras | backend | stack | seams | a step of the loop | watched |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.keras} | {row.backend} | {row.stack} | {row.seams} | {row.yields} | {row.watched} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Checks all versions on all backends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--versions", nargs="*", default=VERSIONS, help='versions of Keras; "" is the one that is installed'
    )
    parser.add_argument("--backends", nargs="*", default=BACKENDS)
    parser.add_argument("--folder", type=Path, default=Path(".venv/overlays"), help="where the versions are put")
    parser.add_argument("--out", type=Path, help="the page to write; else it is printed")
    given: Any = parser.parse_args()
    rows = []
    for version in given.versions:
        for backend in given.backends:
            rows.append(look(version, backend, given.folder.resolve()))
            print(rows[-1], file=sys.stderr, flush=True)
    if given.out:
        given.out.write_text(table(rows))
    else:
        print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
