"""What `harmless.py` feeds: the same rows in every container that Keras takes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

ROWS, FEATURES, EXTRA, BATCH = 96, 12, 3, 16
STEPS = ROWS // BATCH
EPOCHS = 2
Rows = tuple[Any, Any, Any]
"""x, y and the weight of each sample or None: arrays, or dicts of them where there are several inputs and outputs."""

SEVERAL = ("dict", "several")
ARRAYS = ("numpy", "dict", "several", "pandas", "lists")
ENDLESS = ("generator",)
"""Inputs that only `steps_per_epoch` divides into epochs."""
KINDS = (*ARRAYS, "tf.data", "pydataset-threads", "pydataset-processes", "generator", "dataloader", "grain")


def rows(kind: str, *, weighted: bool, seed: int) -> Rows:
    """The numbers of one data set."""
    draw = np.random.default_rng(seed)
    x, extra = draw.normal(size=(ROWS, FEATURES)).astype("float32"), draw.normal(size=(ROWS, EXTRA)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    weight = draw.uniform(0.5, 1.5, ROWS).astype("float32") if weighted else None
    if kind == "dict":
        return {"a": x, "b": extra}, {"one": y, "two": 1 - y}, None
    if kind == "several":
        return [x, extra], [y, 1 - y], None
    return x, y, weight


def given(keras: Any, kind: str, data: Rows, *, shuffle: bool = True) -> dict[str, Any]:
    """Fit's arguments for these rows in a container of that kind."""
    x, y, weight = data
    if kind in ("numpy", *SEVERAL):
        return _arrays(x, y, weight)
    if kind == "pandas":
        import pandas as pd

        return _arrays(pd.DataFrame(x), pd.Series(y[:, 0]), None if weight is None else pd.Series(weight))
    if kind == "lists":  # Keras takes lists of arrays, one for each input
        return _arrays([x], [y], weight)
    if kind == "tf.data":
        import tensorflow as tf

        made = tf.data.Dataset.from_tensor_slices(_parts(x, y, weight))
        made = made.shuffle(ROWS, seed=3) if shuffle else made
        return {"x": made.map(lambda *parts: parts, num_parallel_calls=2).batch(BATCH).prefetch(2)}
    if kind.startswith("pydataset"):
        return pydataset(keras, kind, _parts(x, y, weight))
    if kind == "generator":
        return {"x": batches(_parts(x, y, weight), EPOCHS)}
    if kind == "dataloader":
        import torch

        tensors = torch.utils.data.TensorDataset(*(torch.from_numpy(part.copy()) for part in _parts(x, y, weight)))
        return {"x": torch.utils.data.DataLoader(tensors, batch_size=BATCH, shuffle=shuffle, num_workers=2)}
    import grain

    parts = _parts(x, y, weight)
    source = grain.MapDataset.range(ROWS).map(lambda row: tuple(part[row] for part in parts))
    source = source.shuffle(seed=5) if shuffle else source
    return {"x": source.batch(BATCH).to_iter_dataset()}


def pydataset(keras: Any, kind: str, parts: tuple[Any, ...]) -> dict[str, Any]:
    """A `PyDataset`, or a `Sequence` of `tf_keras`, whose workers `fit` is told of.

    In its order: the thread that shuffles draws from Python's generator at the same time as others do, and a plain run
    gave other weights than the seven before it.
    """
    processes = kind.endswith("processes")
    workers = {"workers": 2, "use_multiprocessing": processes, "max_queue_size": 4}
    if keras.__name__ == "tf_keras":
        return {"x": _sequence_class(keras.utils.Sequence)(parts), "shuffle": False, **workers}
    return {"x": _sequence_class(keras.utils.PyDataset)(parts, **workers), "shuffle": False}


def _sequence_class(base: Any) -> Any:
    class Batches(base):  # type: ignore[misc]
        def __init__(self, parts: tuple[Any, ...], **workers: Any) -> None:
            super().__init__(**workers)
            self.parts = parts

        def __len__(self) -> int:
            return STEPS

        def __getitem__(self, index: int) -> Any:
            return tuple(part[index * BATCH : (index + 1) * BATCH] for part in self.parts)

    Batches.__qualname__ = "Batches"  # processes that are spawned look for it there
    globals()["Batches"] = Batches
    return Batches


def batches(parts: tuple[Any, ...], epochs: int) -> Any:
    """Each batch once, and then no more."""
    for index in range(STEPS * epochs):
        at = index % STEPS * BATCH
        yield tuple(part[at : at + BATCH] for part in parts)


def _arrays(x: Any, y: Any, weight: Any) -> dict[str, Any]:
    return {"x": x, "y": y, "batch_size": BATCH} | ({} if weight is None else {"sample_weight": weight})


def _parts(x: Any, y: Any, weight: Any) -> tuple[Any, ...]:
    return (x, y) if weight is None else (x, y, weight)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
