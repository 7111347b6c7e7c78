"""Inputs of the arms where the steps draw batches in Python: on JAX and PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from fitdoctor.changes.model import Change
from fitdoctor.probe import backends
from fitdoctor.probe.apply import tfdata, workers
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.trials.feeds.base import FIXED_BATCHES, Feeds, rebatched


class Loader:
    """The batches of an input as Keras' own adapter gives them to the backend.

    Each iteration starts at the first batch.

    Args:
        epochs: Keras' iterator over epochs.
        endless: Whether the next epoch follows where one ends. Then all batches have as many rows as the first, since
            another number of rows would be compiled for within a window.
        held: Batches that it may hold ready.
        pipeline: The dataset of tf.data behind it, where there is one.
        spares: Whether Keras begins one iterator too many after each epoch. That costs the start of worker processes.
    """

    def __init__(
        self, epochs: Any, *, endless: bool = False, held: int = 0, pipeline: Any = None, spares: bool = False
    ) -> None:
        self._epochs, self._endless, self.spares = epochs, endless, spares
        self._spare: Any = None
        self.held, self.pipeline = held, pipeline

    def __iter__(self) -> Iterator[Any]:
        return self._whole_batches() if self._endless else self._epoch()

    def endless(self) -> Loader:
        """The same loader without an end."""
        return Loader(self._epochs, endless=True, held=self.held, pipeline=self.pipeline, spares=self.spares)

    def _epoch(self) -> Iterator[Any]:
        adapter = self._epochs.data_adapter
        adapter.on_epoch_begin()
        try:
            batches = iter(self._epochs._get_iterator())
            self._spare = None
            yield from batches
            if self.spares:
                self._spare = iter(self._epochs._get_iterator())
        finally:  # also where the iteration is given up, or workers would go on
            adapter.on_epoch_end()

    def _whole_batches(self) -> Iterator[Any]:
        rows = None
        while True:
            empty = True
            for batch in self._epoch():
                count = _rows(batch)
                rows = count if rows is None else rows
                if count == rows:
                    empty = False
                    yield batch
            if empty:
                return


class Repeated:
    """A few batches, over and over."""

    held, pipeline = 0, None

    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return itertools.cycle(self._batches)


class PythonFeeds(Feeds):
    """Makes loaders, from which the steps of JAX and PyTorch draw. Pipelines of tf.data are edited as on TensorFlow."""

    def dataset(
        self, changes: list[Change], *, shuffle: bool | None = None, steady: bool = False, anew: bool = False
    ) -> Any:
        """The loader for fit's input with the changes; see `Feeds.dataset`."""
        return self._loader(changes, lambda dataset: dataset, shuffle=shuffle, steady=steady, anew=anew)

    def _loader(
        self,
        changes: list[Change],
        arrange: Callable[[Any], Any],
        *,
        shuffle: bool | None = None,
        steady: bool = False,
        anew: bool = False,
    ) -> Loader:
        """The loader of an arm. `arrange` edits a dataset of tf.data before Keras gets it."""
        bound = {**self._bound, **self.changed_arguments(changes)}
        shuffled = bound["shuffle"] if shuffle is None else shuffle
        kind = kinds.input_kind(bound["x"])
        key = self._key(shuffled, changes)
        if kind == "arrays" and key in self._from_arrays and not (anew and self._is_small()):
            found: Loader = self._from_arrays[key]
            return found
        x = self.changed_input(bound["x"], changes)
        keywords = {
            name: bound[name] for name in ("y", "sample_weight", "batch_size", "steps_per_epoch", "class_weight")
        }
        if kind == "tf.data":
            x = arrange(x)
        elif kinds.input_kind(x) in workers.KINDS:
            x = workers.arranged(x, changes, steady=steady, started=self._started)
        epochs = self._epoch_iterator(x, shuffled, keywords)
        counted = kind == "dataloader" and hasattr(x.dataset, "__len__") and not bound["steps_per_epoch"]
        spares = counted and not steady and bool(x.num_workers)
        loader = Loader(epochs, held=_held(x) + _ahead(), pipeline=x if kind == "tf.data" else None, spares=spares)
        if kind == "arrays":
            self._from_arrays.setdefault(key, loader)
        return loader

    def endless(self, changes: list[Change], *, anew: bool = False) -> Any:
        """An endless input with small, fixed read-ahead. Its caches are full and hold a slice of the data."""

        def arrange(dataset: Any) -> Any:
            return self._slices.filled(tfdata.steady(tfdata.endless(self._slices.cut(dataset)), cores=self._cores))

        return self._without_end(self._loader(changes, arrange, steady=True, anew=anew))

    def continuous(self, changes: list[Change], *, anew: bool = False) -> Any:
        """A loader without an end, with the read-ahead that it has in a training."""

        def arrange(dataset: Any) -> Any:
            return self._slices.filled(tfdata.endless(self._slices.cut(dataset)))

        return self._without_end(self._loader(changes, arrange, anew=anew))

    def _without_end(self, loader: Loader) -> Loader:
        return loader if kinds.input_kind(self._bound["x"]) == "generator" else loader.endless()

    def finite(self, changes: list[Change], *, anew: bool = False) -> Any:
        """One epoch of the input, with the read-ahead that it has in a training."""
        return self._loader(
            changes, lambda dataset: self._slices.filled(self._slices.cut(dataset, whole=True)), anew=anew
        )

    def read_ahead(self, dataset: Any, changes: list[Change]) -> int:
        """How many batches an endless input may hold ready."""
        return int(dataset.held) + (0 if dataset.pipeline is None else tfdata.read_ahead(dataset.pipeline))

    def fixed(self) -> Any:
        """A few real batches, over and over: input that costs next to nothing."""
        if self._fixed is None:
            batches = list(itertools.islice(self._without_end(self.dataset([])), FIXED_BATCHES))
            shapes = [_shapes(batch) for batch in batches]
            self._fixed = Repeated([batch for batch, shape in zip(batches, shapes, strict=True) if shape == shapes[0]])
        return self._fixed

    def first(self, changes: list[Change], count: int) -> list[list[Any]]:
        """The arrays of the first batches, not shuffled."""
        loader = self._loader(changes, tfdata.ordered, shuffle=False, steady=True)
        return [[_array(part) for part in _flat(batch)] for batch in itertools.islice(loader, count)]

    def in_batches_of(self, rows: int) -> Any:
        """The unshuffled input in batches of `rows` rows, where it can be rebatched and its own are much smaller."""
        return self._loader([], lambda dataset: rebatched(dataset, rows, _flat), shuffle=False)

    def _repeated_batches(self, batches: list[Any]) -> Any:
        import keras

        class Repeating(keras.utils.PyDataset):  # type: ignore[misc]
            num_batches = None

            def __getitem__(self, index: int) -> Any:
                return batches[index % len(batches)]

        return Repeating()


def _held(x: Any) -> int:
    """Batches that workers may hold ready."""
    return workers.held(x) if kinds.input_kind(x) in workers.KINDS else 0


def _ahead() -> int:
    """Keras puts each batch on a JAX accelerator while the one before it is trained on."""
    return int(backends.name() == "jax" and bool(backends.current().devices()))


def _flat(batch: Any) -> list[Any]:
    import keras

    return [part for part in keras.tree.flatten(batch) if part is not None]


def _rows(batch: Any) -> int | None:
    parts = _flat(batch)
    return int(parts[0].shape[0]) if parts and len(getattr(parts[0], "shape", ())) else None


def _shapes(batch: Any) -> list[tuple[int, ...]]:
    return [tuple(part.shape) for part in _flat(batch)]


def _array(part: Any) -> Any:
    import keras
    import numpy as np

    return np.asarray(part) if isinstance(part, np.ndarray) else keras.ops.convert_to_numpy(part)
