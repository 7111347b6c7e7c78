"""The data that all racers of a race are scored on, and their loss on it."""

from __future__ import annotations

import math
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import keras_internals, loops
from fitdoctor.probe.trials.feeds.base import Feeds

ROWS = 2048
LEAST_ROWS = 256
BATCH_ROWS = 256
# The rows stay in memory for the whole race, so together they hold no more.
BYTES = 64 << 20
# A score is taken some forty times a run. If it takes longer, it uses fewer rows.
SCORE_S = 0.15
# Share of the training rows that is held out where the script has no validation data, and the least number of them.
HELD_OUT = 0.2
LEAST_HELD_OUT = 32


def with_validation(bound: dict[str, Any]) -> tuple[dict[str, Any], Any, str]:
    """Fit's arguments for the race, the data to score on, and a name for that data.

    Where the script has no validation data, some rows of its arrays are held out, so that no racer trains on them. Of a
    pipeline without validation data, the first batches are taken.
    """
    if bound["validation_data"] is not None:
        return bound, bound["validation_data"], "validation data"
    rows = kinds.rows(bound["x"]) if kinds.input_kind(bound["x"]) == "arrays" else None
    if not rows or rows * HELD_OUT < LEAST_HELD_OUT:
        return bound, None, "training data"
    import numpy as np

    order = np.random.default_rng(0).permutation(rows)
    held = min(ROWS, int(rows * HELD_OUT))
    out, kept = np.sort(order[:held]), np.sort(order[held:])
    names = ("x", "y", "sample_weight")
    inside = {name: picked(bound[name], kept) for name in names}
    return {**bound, **inside}, tuple(picked(bound[name], out) for name in names), "held-out rows"


def picked(x: Any, rows: Any) -> Any:
    """Some rows of each part of a nest of arrays, in any container that Keras accepts."""
    import numpy as np

    if x is None:
        return None
    if isinstance(x, dict):
        return {name: picked(part, rows) for name, part in x.items()}
    if isinstance(x, tuple) or isinstance(x, list) and x and hasattr(x[0], "shape"):
        return type(x)(picked(part, rows) for part in x)
    if hasattr(x, "iloc"):
        return x.iloc[rows]
    if isinstance(x, list):
        return [x[row] for row in rows]
    return np.asarray(x)[rows]


class RaceScorer:
    """Scores the model of a race.

    Args:
        model: The model that is raced.
        data: What it is scored on.

    Attributes:
        metric: The name of the log that is the score.
        upwards: Whether a larger value of it is better.
    """

    def __init__(self, model: Any, data: Feeds) -> None:
        self._model = model
        self._loop = loops.of(model, "test")
        self.metric, self.upwards = "loss", False
        self._batches = _first_batches(data.in_batches_of(BATCH_ROWS))
        if not self._batches:
            raise ValueError("there is nothing to score a race on: the validation data is empty")

    @property
    def rows(self) -> int:
        return sum(int(backends.tree().flatten(batch)[0].shape[0]) for batch in self._batches)

    def function(self) -> Any:
        """A compiled test function for the model with its current settings.

        If a score takes too long with it, fewer rows are scored from then on.
        """
        model = self._model
        before = keras_internals.setting(model, "steps_per_execution")
        keras_internals.put_setting(model, "steps_per_execution", 1)
        try:
            made = loops.made(model, "test")
            self.score(made)
            began_s = time.perf_counter()
            self.score(made)
            self._shorten(time.perf_counter() - began_s)
        finally:
            keras_internals.put_setting(model, "steps_per_execution", before)
        return made

    def _shorten(self, seconds: float) -> None:
        rows = self.rows / len(self._batches)
        fit_in = math.floor(len(self._batches) * SCORE_S / max(seconds, 1e-9))
        self._batches = self._batches[: max(fit_in, math.ceil(LEAST_ROWS / rows))]

    def score(self, function: Any) -> float | None:
        """The score of the model on the rows. Less is better; None where it is no number."""
        return self.scored(self.logs(function))

    def logs(self, function: Any) -> dict[str, float]:
        """The user's own loss and metrics on the rows."""
        self._model.reset_metrics()
        logs: dict[str, Any] = {}
        try:
            for batch in self._batches:
                logs = self._loop.step(function, iter((batch,)))
        finally:
            self._loop.rest()
        if "loss" not in logs:
            raise ValueError("its test step reports no loss, by which racers could be scored")
        return plain(logs)

    def scored(self, logs: dict[str, float]) -> float | None:
        """The score in some logs. Of a metric whose larger values are better, it is one minus the value."""
        value = logs.get(self.metric, math.nan)
        value = 1 - value if self.upwards else value
        return value if math.isfinite(value) else None


def plain(logs: Any) -> dict[str, float]:
    """The logs of a step that are numbers."""
    found: dict[str, float] = {}
    for name, value in dict(logs or {}).items():
        try:
            found[str(name)] = float(value)
        except (TypeError, ValueError):
            continue
    return found


def _first_batches(dataset: Any) -> list[Any]:
    """The first batches of one shape, so that one compiled function serves them all."""
    batches: list[Any] = []
    shapes: list[Any] = []
    rows = held = 0
    for batch in dataset:
        parts = [part for part in backends.tree().flatten(batch) if part is not None]
        shapes = shapes or [tuple(part.shape) for part in parts]
        if shapes != [tuple(part.shape) for part in parts]:
            continue
        batches.append(batch)
        rows += int(parts[0].shape[0])
        held += sum(_item_bytes(part.dtype) * math.prod(part.shape) for part in parts)
        if rows >= ROWS or held >= BYTES:
            break
    return batches


def _item_bytes(dtype: Any) -> int:
    """Of an array or a tensor of any framework."""
    return int(getattr(dtype, "itemsize", 0) or dtype.size)
