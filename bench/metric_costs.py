"""What metrics cost a training step: the same small model with one and without, an epoch of each by turns.

    KERAS_BACKEND=torch python -m bench.metric_costs
    KERAS_BACKEND=torch python -m bench.metric_costs --batch 1024

Beside each it says how many numbers the metric keeps. Run nothing else beside it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from fitdoctor.probe.trainer.compiled_metrics import records

STEPS, ROUNDS, FEATURES, CLASSES = 60, 7, 32, 50


def own(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred))


METRICS: dict[str, tuple[int, Callable[[], Any]]] = {
    "a function of the script's own": (1, lambda: own),
    "AUC": (1, keras.metrics.AUC),
    "AUC, 2000 thresholds": (1, lambda: keras.metrics.AUC(num_thresholds=2000)),
    "SensitivityAtSpecificity, 2000 thresholds": (
        1,
        lambda: keras.metrics.SensitivityAtSpecificity(0.9, num_thresholds=2000),
    ),
    "accuracy of 50 classes": (CLASSES, lambda: "accuracy"),
    "AUC of each of 50 labels": (CLASSES, lambda: keras.metrics.AUC(multi_label=True, num_labels=CLASSES)),
    "the same, 2000 thresholds": (
        CLASSES,
        lambda: keras.metrics.AUC(multi_label=True, num_labels=CLASSES, num_thresholds=2000),
    ),
    "F1Score of 50 classes": (CLASSES, lambda: keras.metrics.F1Score(average="macro")),
    "OneHotMeanIoU of 50 classes": (CLASSES, lambda: keras.metrics.OneHotMeanIoU(CLASSES)),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--batch", type=int, default=128)
    batch = options.parse_args().batch
    print(f"Keras {keras.__version__} on {keras.config.backend()}, {batch} samples a step\n")
    print(f"{'Metric':42} {'Numbers':>8} {'More a step':>12}  (middle half)        Of a step")
    for name, (outputs, metric) in METRICS.items():
        x, y = data(outputs, batch)
        plain, other = model(outputs, []), model(outputs, [metric()])
        epoch_s(plain, x, y, batch)
        epoch_s(other, x, y, batch)
        pairs = [(epoch_s(plain, x, y, batch), epoch_s(other, x, y, batch)) for _ in range(ROUNDS)]
        low, mid, high = (
            1000 * each / STEPS for each in statistics.quantiles([other_s - plain_s for plain_s, other_s in pairs], n=4)
        )
        step_ms = 1000 * statistics.median(plain_s for plain_s, _ in pairs) / STEPS
        numbers = records(other)[0].state_size
        print(f"{name:42} {numbers:8} {mid:9.3f} ms  ({low:.3f} to {high:.3f})   {step_ms:9.2f} ms", flush=True)


def data(outputs: int, batch: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((STEPS * batch, FEATURES), dtype="float32")
    chosen = generator.integers(0, max(2, outputs), len(x))
    return x, chosen[:, None].astype("float32") if outputs == 1 else np.eye(outputs, dtype="float32")[chosen]


def model(outputs: int, metrics: list[Any]) -> Any:
    last = keras.layers.Dense(outputs, activation="sigmoid" if outputs == 1 else "softmax")
    made = keras.Sequential([keras.layers.Input((FEATURES,)), keras.layers.Dense(64, activation="relu"), last])
    made.compile("adam", "binary_crossentropy" if outputs == 1 else "categorical_crossentropy", metrics=metrics)
    return made


def epoch_s(trained: Any, x: Any, y: Any, batch: int) -> float:
    began_s = time.perf_counter()
    trained.fit(x, y, batch_size=batch, verbose=0)
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
