"""Inputs of the arms on TensorFlow: datasets of tf.data, made by Keras' own adapters from fit's own arguments."""

from __future__ import annotations

from typing import Any

from fitdoctor.changes.model import Change
from fitdoctor.probe import backends
from fitdoctor.probe.apply import materialize, tfdata, workers
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.trainer import tf_keras_internals
from fitdoctor.probe.trials.feeds.base import FIXED_BATCHES, Feeds, rebatched


class TensorFlowFeeds(Feeds):
    """Makes datasets of tf.data, from which the compiled steps of TensorFlow draw."""

    def dataset(
        self, changes: list[Change], *, shuffle: bool | None = None, steady: bool = False, anew: bool = False
    ) -> Any:
        """Keras' dataset for fit's input with the changes; see `Feeds.dataset`."""
        bound = {**self._bound, **self.changed_arguments(changes)}
        shuffled = bound["shuffle"] if shuffle is None else shuffle
        key = self._key(shuffled, changes)
        if kinds.input_kind(bound["x"]) == "arrays" and key in self._from_arrays and not (anew and self._is_small()):
            return self._from_arrays[key]
        x = self.changed_input(bound["x"], changes)
        if backends.is_legacy(self._model):
            settings = {**bound, **workers.settings(bound, changes, steady=steady), "shuffle": shuffled}
            dataset = tf_keras_internals.dataset(self._model, self._one_reader_of_many(x), settings)
        else:
            if kinds.input_kind(x) in workers.KINDS:
                x = workers.arranged(x, changes, steady=steady, started=self._started)
            keywords = {
                name: bound[name] for name in ("y", "sample_weight", "batch_size", "steps_per_epoch", "class_weight")
            }
            dataset = self._epoch_iterator(x, shuffled, keywords).data_adapter.get_tf_dataset()
        if kinds.input_kind(x) == "arrays":
            # Keras copies the arrays into each dataset that it makes of them, so all arms share one.
            self._from_arrays.setdefault(key, dataset)
        return dataset

    def endless(self, changes: list[Change], *, anew: bool = False) -> Any:
        """An endless input with small, fixed read-ahead. Its caches are full and hold a slice of the data."""
        endless = self._without_end(self._slices.cut(self.dataset(changes, steady=True, anew=anew)))
        return self._slices.filled(tfdata.steady(endless, cores=self._cores))

    def _without_end(self, dataset: Any) -> Any:
        """The dataset repeated without an end.

        A generator is not repeated: Keras would give its first two batches again and again.
        """
        return dataset if kinds.input_kind(self._bound["x"]) == "generator" else tfdata.endless(dataset)

    def read_ahead(self, dataset: Any, changes: list[Change]) -> int:
        """How many batches an endless dataset may hold ready."""
        x = self._bound["x"]
        if kinds.input_kind(x) not in workers.KINDS:
            queued = 0
        elif backends.is_legacy(self._model):
            queued = workers.held_by(**workers.settings(self._bound, changes, steady=True))
        else:
            queued = workers.held(workers.arranged(x, changes, steady=True))
        return tfdata.read_ahead(dataset) + queued

    def continuous(self, changes: list[Change], *, anew: bool = False) -> Any:
        """A dataset without an end that tf.data tunes, as it does in a training."""
        return self._slices.filled(self._without_end(self._slices.cut(self.dataset(changes, anew=anew))))

    def finite(self, changes: list[Change], *, anew: bool = False) -> Any:
        """The dataset of one epoch, tuned by tf.data as in a training."""
        return self._slices.filled(self._slices.cut(self.dataset(changes, anew=anew), whole=True))

    def fixed(self) -> Any:
        """A few real batches, over and over: input that costs next to nothing."""
        import tensorflow as tf

        if self._fixed is None:
            batches = list(self.dataset([]).repeat().take(FIXED_BATCHES))
            shapes = [tuple(part.shape) for part in tf.nest.flatten(batches[0])]
            whole = [b for b in batches if [tuple(part.shape) for part in tf.nest.flatten(b)] == shapes]
            self._fixed = tf.nest.map_structure(lambda *parts: tf.stack(parts), *whole)
        return tf.data.Dataset.from_tensor_slices(self._fixed).repeat().prefetch(1)

    def first(self, changes: list[Change], count: int) -> list[list[Any]]:
        """The arrays of the first batches, not shuffled."""
        import tensorflow as tf

        ordered = tfdata.ordered(self.dataset(changes, shuffle=False, steady=True))
        return [tf.nest.flatten(batch) for batch in ordered.take(count).as_numpy_iterator()]

    def in_batches_of(self, rows: int) -> Any:
        """The unshuffled input in batches of `rows` rows, where its own are much smaller."""
        import tensorflow as tf

        return rebatched(self.dataset([], shuffle=False), rows, tf.nest.flatten)

    def _repeated_batches(self, batches: list[Any]) -> Any:
        import tensorflow as tf

        try:
            stacked = tf.nest.map_structure(lambda *parts: _stack(parts), *batches)
        except ValueError:
            raise materialize.NotRepeatingError("its batches differ in shape") from None
        return tf.data.Dataset.from_tensor_slices(stacked).repeat()


def _stack(parts: tuple[Any, ...]) -> Any:
    import numpy as np

    return np.stack([np.asarray(part) for part in parts])
