"""Lists the patch points that each version of Keras has, and checks that watching changes no training.

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

from bench import markdown

os.environ.setdefault("FITDOCTOR_DIR", ".fitdoctor")  # so that recordings are next to the script
ROOT = Path(__file__).resolve().parents[2]
# The last one is the installed version.
VERSIONS = ("3.5.0", "3.6.0", "3.7.0", "3.9.2", "3.12.0", "")

BACKENDS = ("tensorflow", "jax", "torch")

# Keras before 3.10 needs this JAX: later versions of JAX removed `jax.spmd_mode`.
OLDER_JAX, NEEDED_BEFORE = ("jax==0.4.35", "jaxlib==0.4.35"), (3, 10)

# The steps of each fit in the script. A watched run must count them.
STEPS = (5 * 2, 10, 10)

PAGE = """\
# Patch points by version

This page shows which patch points fitdoctor finds in Keras, by version and backend. The list of patch points is
`src/fitdoctor/probe/instrument/patch_points.py`.

*Watched* is a test with a small training. It compares a plain run with a run under `fitdoctor watch`: the printed
output must be the same, a hash of the weights included, and every step must be counted.

Trials are tested only on the newest Keras. Every version is installed over the packages of the stack, without
dependencies of its own. `python -m bench.patch_points --out docs/patch-points.md` writes this page.

| Keras | Backend | Stack | Patch points | What the loop yields for a step | Watched |
|---|---|---|---|---|---|
"""

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
    patch_points: str
    yields: str
    watched: str


def overlay(folder: Path, *packages: str) -> Path:
    """Installs packages into a folder of their own, if they are not there yet.

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


def check(version: str, backend: str, folder: Path) -> Row:
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
        why = checked.stderr.strip().splitlines()[-1:] or ["it ended without a message"]
        return Row(
            keras=version or "installed",
            backend=backend,
            stack="",
            patch_points="",
            yields="",
            watched=f"not imported: {why[0][:160]}",
        )
    found = json.loads(checked.stdout.splitlines()[-1])
    missing = found["missing"]
    return Row(
        keras=found["keras"],
        backend=backend,
        stack=found["stack"],
        patch_points=f"{len(found['patch_points'])} of {len(found['patch_points']) + len(missing)}",
        yields=found["yields"],
        watched=_watched(environment),
    )


def _watched(environment: dict[str, str]) -> str:
    """Compares a plain and a watched training: the printed output, weights included, and the number of steps."""
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
    """Returns the page as Markdown."""
    lines = [
        markdown.row([row.keras, row.backend, row.stack, row.patch_points, row.yields, row.watched]) for row in rows
    ]
    return PAGE + "\n".join(lines) + "\n"


def main() -> int:
    """Checks all versions on all backends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--versions", nargs="*", default=VERSIONS, help='versions of Keras; "" is the one that is installed'
    )
    parser.add_argument("--backends", nargs="*", default=BACKENDS)
    parser.add_argument("--folder", type=Path, default=Path(".venv/overlays"), help="where the versions are installed")
    parser.add_argument("--out", type=Path, help="the page to write; else it is printed")
    given: Any = parser.parse_args()
    rows = []
    for version in given.versions:
        for backend in given.backends:
            rows.append(check(version, backend, given.folder.resolve()))
            print(rows[-1], file=sys.stderr, flush=True)
    if given.out:
        given.out.write_text(table(rows))
    else:
        print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
