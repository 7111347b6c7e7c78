"""`fitdoctor diagnose` on a training with a cause, and on a healthy one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

EAGER = """\
import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(2000, 20)).astype("float32")
y = (x[:, :1] > 0).astype("float32")
model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
model.compile(
    optimizer="adam",
    loss="mse",
    run_eagerly=True,
)
model.fit(x, y, epochs=200, verbose=0)
model.save("model.keras")
print("done")
"""
HEALTHY = """\
import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(4096, 512)).astype("float32")
y = x[:, :1]
layers = [keras.layers.Dense(1024, activation="relu") for _ in range(3)]
model = keras.Sequential([keras.Input((512,)), *layers, keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, y, batch_size=512, epochs=300, verbose=0)
"""


def diagnose(folder: Path, source: str, budget_s: int) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    (folder / "train.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "fitdoctor", "diagnose", "--budget", str(budget_s), "-o", "report.json", "train.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"},
        timeout=4 * budget_s,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done, json.loads((folder / "report.json").read_text())


def test_a_cause_is_measured_and_its_remedy_prescribed(tmp_path: Path) -> None:
    done, report = diagnose(tmp_path, EAGER, 60)
    assert report["verdict"] == "causes"
    cause = report["causes"][0]
    assert (cause["id"], cause["family"], cause["status"]) == ("eager-execution", "host", "measured")
    (place, *_) = cause["locations"]
    assert (Path(place["file"]).name, place["line"], place["code"]) == ("train.py", 10, "run_eagerly=True")
    assert 0 < cause["cost_s"]["low"] <= cause["cost_s"]["mid"] <= cause["cost_s"]["high"]

    (remedy,) = [remedy for remedy in cause["remedies"] if remedy["id"] == "compiled-step"]
    assert remedy["status"] == "measured"
    assert 1 < remedy["speedup"]["low"] <= remedy["speedup"]["mid"] <= remedy["speedup"]["high"]
    assert remedy["verified_safety"] in ("exact", "numerics")
    assert "compiled-step" in report["prescription"]["remedies"]

    (fit,) = report["training"]["fits"]
    assert (fit["site"]["line"], fit["epochs"], fit["steps_per_epoch"], fit["batch_size"]) == (12, 200, 63, 32)
    assert report["training"]["basis"] == "declared"
    assert [layer["kind"] for layer in fit["learning"]["layers"]] == ["Dense", "Dense"]
    assert all(layer["gradient_norm"] > 0 and layer["moved_share"] > 0 for layer in fit["learning"]["layers"])
    assert [(part["name"], part["rows"]) for part in fit["learning"]["data"]] == [("x", 2000), ("y", 2000)]
    assert fit["learning"]["missing"] == []
    parts = report["budget"]["parts"]
    assert sum(part["s"] for part in parts) == pytest.approx(report["budget"]["total_s"])
    assert parts[-1] == {**parts[-1], "id": "unattributed", "s": report["budget"]["unattributed_s"]}
    assert {tried["verdict"] for tried in report["tried"]} >= {"measured", "reference"}

    assert "eager-execution" in done.stdout
    assert "train.py:10" in done.stdout
    assert "done" not in done.stdout
    assert "First answer" in done.stderr
    assert not (tmp_path / "model.keras").exists()
    (run,) = (tmp_path / ".fitdoctor").glob("*-train")
    assert {path.name for path in run.iterdir()} == {"run.json", "report.json", "log.txt"}
    assert "done" in (run / "log.txt").read_text()


def test_a_healthy_training_gets_no_prescription(tmp_path: Path) -> None:
    done, report = diagnose(tmp_path, HEALTHY, 40)
    assert report["verdict"] in ("healthy", "inconclusive")  # the latter on a busy machine
    assert report["prescription"] is None
    assert not any(cause["status"] == "measured" for cause in report["causes"])
    assert all(ceiling["speedup"] > 0 for ceiling in report["ceilings"])
    assert "With the fix" not in done.stdout
