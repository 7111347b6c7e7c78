"""Two environments are compared in separate processes: a script that sets its number of threads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_diagnose import diagnose

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ONE_THREAD = """\
import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(4096, 512)).astype("float32")
y = x[:, :1]
layers = [keras.layers.Dense(1024, activation="relu") for _ in range(3)]
model = keras.Sequential([keras.Input((512,)), *layers, keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, y, batch_size=512, epochs=300, verbose=0)
"""


def test_default_threads_are_compared_in_separate_processes(tmp_path: Path) -> None:
    _, report = diagnose(tmp_path, ONE_THREAD, 240)
    (path,) = tmp_path.glob(".fitdoctor/*/run.json")
    run = json.loads(path.read_text())
    (comparison,) = [rehearsal for rehearsal in run["rehearsals"] if rehearsal["processes"]]
    assert len(comparison["processes"]) >= 6
    assert [process["arm"] for process in comparison["processes"]][1:3] == ["process/default-threads"] * 2
    (setting,) = run["scout"]["threads"]
    assert (setting["value"], setting["site"]["line"]) == (1, 5)
    (arm,) = [arm for arm in comparison["arms"] if arm["role"] == "remedy"]
    assert (arm["failed"], arm["weights"]) in ((False, "same"), (False, "close"))
    (tried,) = [each for each in report["tried"] if each["unit"] == "process"]
    assert (tried["remedy"], tried["cause"], tried["windows"]) == (
        "default-threads",
        "unused-cores",
        3 * len(comparison["processes"]) // 2,
    )
    if run["scout"]["environment"]["cores"] >= 4:  # two shared cores are too noisy to insist on it
        assert tried["verdict"] == "measured"
