"""Endless inputs for the arms of a rehearsal, made by Keras' own adapters from fit's own arguments."""

from __future__ import annotations

import copy
import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from fitdoctor.changes.model import Change, ConvertArgument, Precompute
from fitdoctor.probe import backends
from fitdoctor.probe.apply import materialize, tfdata, torch_loaders, workers
from fitdoctor.probe.apply.arrays import converted
from fitdoctor.probe.inputs import kinds, tfdata_recipes
from fitdoctor.probe.inputs.tfdata_recipes import Recipe
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.trainer import tf_keras_internals
from fitdoctor.probe.trainer.keras_internals import epoch_iterator
from fitdoctor.probe.trials.feeds.cache_slices import Slices

FIXED_BATCHES = 8
"""Real batches that an input-free feed repeats:

more than one, so that a batch's own values do not stay in the nearest cache.
"""
MATERIALIZE_S = 40.0
"""The longest that one pass over a Python input may take in a trial."""

COPIED_BYTES = 256 << 20
"""Arrays below this are copied for the placebo once more, as an arm with changed arrays has a copy of its own."""
EPOCH_HOOKS = ("on_epoch_end", "on_epoch_begin")
"""Of a `PyDataset`, in the order in which they part two epochs."""
READ_ONCE = (
    "The input is a Python generator, which can be read only once: in trials, the arms drew from it in turn, each the next batches, "
    "so no two of them saw the same ones."
)


class SharedGenerator:
    """One generator that several arms draw from, each getting the next batch.

    It is never blocked, only locked for a draw.
    """

    def __init__(self, generator: Iterator[Any]) -> None:
        self._generator = generator
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._lock:
            return next(self._generator)


def of(model: Any, bound: dict[str, Any], cores: int) -> Feeds:
    """The feeds of the backend that the script runs on."""
    if backends.on_tensorflow():
        return Feeds(model, bound, cores)
    from fitdoctor.probe.trials.feeds.python import Loaders

    return Loaders(model, bound, cores)


class Feeds:
    """Makes the input of each arm, on TensorFlow: datasets of tf.data, which its compiled steps draw from.

    Args:
        model: The model that is fitted.
        bound: Fit's arguments by name, validation already split off.
        cores: How many parallel calls stand for an automatic number of them.
    """

    def __init__(self, model: Any, bound: dict[str, Any], cores: int) -> None:
        self._model, self._bound, self._cores = model, bound, cores
        self._shared: SharedGenerator | None = None
        self._fixed: Any = None
        self._from_arrays: dict[Any, Any] = {}
        self._note = ""
        self._slices = Slices()
        self._converted: dict[str, Any] = {}
        self._started: weakref.WeakSet[Any] = weakref.WeakSet()

    def dataset(
        self, changes: list[Change], *, shuffle: bool | None = None, steady: bool = False, anew: bool = False
    ) -> Any:
        """Keras' dataset for fit's input with the changes of its pipeline, as it is: finite where it is finite.

        With `steady`, the workers of a `PyDataset` run no further ahead than they must to be busy. With `anew`, arrays
        are copied for this one once more, where they are small.
        """
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
            # Keras copies the arrays into each dataset that it makes of them: all arms share one copy.
            self._from_arrays.setdefault(key, dataset)
        return dataset

    @staticmethod
    def _key(shuffled: Any, changes: list[Change]) -> tuple[Any, ...]:
        """What tells the datasets that are made of the same arrays apart."""
        return shuffled, *(repr(change) for change in changes if isinstance(change, ConvertArgument))

    def _is_small(self) -> bool:
        parts = [part for name in ("x", "y", "sample_weight") for part in backends.tree().flatten(self._bound[name])]
        return sum(int(getattr(part, "nbytes", COPIED_BYTES)) for part in parts if part is not None) < COPIED_BYTES

    def limits(self) -> list[str]:
        """What the report must say of an input that can be read only once."""
        return [READ_ONCE] if kinds.input_kind(self._bound["x"]) == "generator" else []

    def _epoch_iterator(self, x: Any, shuffle: Any, keywords: dict[str, Any]) -> Any:
        return epoch_iterator(
            self._model, x=self._one_reader_of_many(x), shuffle=shuffle, steps_per_execution=1, **keywords
        )

    def _one_reader_of_many(self, x: Any) -> Any:
        """What gives an arm its share of a generator; any other input as it is."""
        if kinds.input_kind(x) != "generator":
            return x
        if self._shared is None:
            self._shared = SharedGenerator(x)
        return _through(self._shared)

    def changed_input(self, x: Any, changes: list[Change]) -> Any:
        """What stands for fit's `x` once the changes of its input are made."""
        kind = kinds.input_kind(x)
        if kind == "tf.data":
            return tfdata.apply(x, changes, self._from_generator)
        if any(isinstance(change, Precompute) for change in changes):
            if kind == "generator":
                return self._one_period(x)
            if kind == "pydataset":
                return _kept(x)
        if kind == "dataloader" and torch_loaders.settings(changes):
            return torch_loaders.arranged(x, changes, steady=False)
        held = [change for change in changes if isinstance(change, ConvertArgument) and change.attribute]
        return self._with_arrays(x, held) if held else x

    def _with_arrays(self, x: Any, changes: list[ConvertArgument]) -> Any:
        """The same object with arrays in memory in the place of what it reads its rows from."""
        made = copy.copy(x)
        for change in changes:
            key = repr(change)
            if key not in self._converted:
                self._converted[key] = converted(getattr(x, change.attribute), change.dtypes)
            object.__setattr__(made, change.attribute, self._converted[key])
        return made

    def changed_arguments(self, changes: list[Change]) -> dict[str, Any]:
        """Those of fit's arguments that a change converts, once for all arms, as they are then."""
        made: dict[str, Any] = {}
        for change in changes:
            if isinstance(change, ConvertArgument) and change.call == "Model.fit" and not change.attribute:
                key = repr(change)
                if key not in self._converted:
                    self._converted[key] = converted(self._bound[change.argument], change.dtypes)
                made[change.argument] = self._converted[key]
        return made

    def endless(self, changes: list[Change], *, anew: bool = False) -> Any:
        """A dataset without an end and with fixed, small read-ahead; its caches hold a slice of the data, and are
        filled.
        """
        endless = self._repeated(self._slices.cut(self.dataset(changes, steady=True, anew=anew)))
        return self._slices.filled(tfdata.steady(endless, cores=self._cores))

    def _repeated(self, dataset: Any) -> Any:
        """The dataset without an end; a generator ends where it ends, as Keras would give its first two batches again
        and again.
        """
        return dataset if kinds.input_kind(self._bound["x"]) == "generator" else tfdata.endless(dataset)

    def read_ahead(self, dataset: Any, changes: list[Change]) -> int:
        """How many batches an endless dataset of ours may hold ready before anybody asks."""
        x = self._bound["x"]
        if kinds.input_kind(x) not in workers.KINDS:
            queued = 0
        elif backends.is_legacy(self._model):
            queued = workers.held_by(**workers.settings(self._bound, changes, steady=True))
        else:
            queued = workers.held(workers.arranged(x, changes, steady=True))
        return tfdata.read_ahead(dataset) + queued

    def continuous(self, changes: list[Change], *, anew: bool = False) -> Any:
        """The same as tf.data runs and tunes it by itself."""
        return self._slices.filled(self._repeated(self._slices.cut(self.dataset(changes, anew=anew))))

    def finite(self, changes: list[Change], *, anew: bool = False) -> Any:
        """The dataset of one epoch, as tf.data runs it by itself."""
        return self._slices.filled(self._slices.cut(self.dataset(changes, anew=anew), whole=True))

    def take_aside_s(self) -> float:
        """Seconds since the last call that went into slices of caches, which no training pays."""
        spent_s, self._slices.spent_s = self._slices.spent_s, 0.0
        return spent_s

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
        """The arrays of the first batches, as they come where nothing is shuffled."""
        import tensorflow as tf

        ordered = tfdata.ordered(self.dataset(changes, shuffle=False, steady=True))
        return [tf.nest.flatten(batch) for batch in ordered.take(count).as_numpy_iterator()]

    def in_batches_of(self, rows: int) -> Any:
        """The input as it is, unshuffled, in batches of so many rows where its own are much smaller."""
        import tensorflow as tf

        return batched(self.dataset([], shuffle=False), rows, tf.nest.flatten)

    def close(self) -> None:
        """Ends the worker processes that its arms have started."""
        torch_loaders.end(self._started)

    def take_note(self) -> str:
        """What was found out about the input while it was made, once."""
        note, self._note = self._note, ""
        return note

    def take_sentence(self) -> str:
        """What a trial of the input rests on, for the report, once."""
        sentence, self._slices.note = self._slices.note, ""
        return sentence

    def _from_generator(self, dataset: Any, recipe: Recipe) -> Any:
        import tensorflow as tf

        function = tfdata_recipes.function_of(recipe)
        arguments = recipe.keywords.get("args") or ()
        spec = dataset.element_spec
        parts = tf.nest.flatten(spec)
        if not all(isinstance(part, tf.TensorSpec) for part in parts):
            raise materialize.NotRepeatingError("it gives ragged or sparse tensors")
        columns = materialize.elements(
            lambda: function(*arguments),
            lambda element: _parts(spec, element),
            [part.dtype.as_numpy_dtype for part in parts],
            MATERIALIZE_S,
        )
        return tf.data.Dataset.from_tensor_slices(tf.nest.pack_sequence_as(spec, columns))

    def _one_period(self, generator: Any) -> Any:
        if self._shared is None:
            self._shared = SharedGenerator(generator)
        steps = self._bound["steps_per_epoch"] or 0
        batches = materialize.period(
            map(copied, self._shared), backends.tree().flatten, most=max(1000, 2 * steps), limit_s=MATERIALIZE_S
        )
        self._note = f"the generator gives the same {len(batches)} batches again and again"
        return self._again_and_again(batches)

    def _again_and_again(self, batches: list[Any]) -> Any:
        import tensorflow as tf

        try:
            stacked = tf.nest.map_structure(lambda *parts: _stack(parts), *batches)
        except ValueError:
            raise materialize.NotRepeatingError("its batches differ in shape") from None
        return tf.data.Dataset.from_tensor_slices(stacked).repeat()


def _parts(spec: Any, element: Any) -> list[Any]:
    """An element's components in the order of its specification; a component may itself be a list of numbers."""
    if isinstance(spec, dict):
        return [part for name in sorted(spec) for part in _parts(spec[name], element[name])]
    if isinstance(spec, (tuple, list)):
        return [part for one, other in zip(spec, element, strict=True) for part in _parts(one, other)]
    return [element]


def batched(dataset: Any, rows: int, flatten: Callable[[Any], list[Any]]) -> Any:
    """A dataset of tf.data with its batches joined where they are of a known size, and much smaller."""
    first = flatten(dataset.element_spec)
    small = first and first[0].shape.rank and first[0].shape[0] is not None and first[0].shape[0] < rows // 4
    return dataset.rebatch(rows) if small else dataset


def _through(shared: SharedGenerator) -> Iterator[Any]:
    """A generator object over the shared one: Keras accepts no other iterator."""
    yield from shared


def _stack(parts: tuple[Any, ...]) -> Any:
    import numpy as np

    return np.stack([np.asarray(part) for part in parts])


def _kept(dataset: Any) -> Any:
    """A `PyDataset` that makes each batch once. Its own order, length and epoch hooks stay.

    Where a hook of its own has changed its batches in a later epoch, they are read as written from then on.

    Raises:
        materialize.NotRepeatingError: A batch is another one after an epoch's end.
    """
    import numpy as np

    from fitdoctor.probe.state.object_state import ObjectState

    keras, flatten = backends.keras_of(dataset), backends.tree().flatten
    base: Any = keras.utils.Sequence if backends.is_legacy(dataset) else keras.utils.PyDataset
    count = _length(dataset)
    if count is None:
        raise materialize.NotRepeatingError("it has no length")
    probed = range(0, count, max(1, count // 8))
    before = {i: materialize.digest(flatten(dataset[i])) for i in probed}
    hooks = [name for name in EPOCH_HOOKS if hasattr(dataset, name)]
    own_hook = any(getattr(type(dataset), name) is not getattr(base, name, None) for name in hooks)

    def is_another(index: int) -> bool:
        return before[index] != materialize.digest(flatten(dataset[index]))

    state = ObjectState(dataset)
    for name in hooks:
        getattr(dataset, name)()
    changed = any(is_another(index) for index in probed)
    state.restore()
    if changed:
        raise materialize.NotRepeatingError("its batches are others in each epoch, so they can't be kept")

    batches, began_s, held = [], time.perf_counter(), 0
    most = materialize.free_bytes() * materialize.MEMORY_SHARE
    for index in range(count):
        batches.append(copied(dataset[index]))
        held += sum(np.asarray(part).nbytes for part in flatten(batches[-1]))
        if held > most:
            raise materialize.NotRepeatingError("its batches need more than a quarter of the free memory")
        if time.perf_counter() - began_s > MATERIALIZE_S:
            raise materialize.NotRepeatingError(
                f"one pass takes longer than the {MATERIALIZE_S:.0f} s that there were for it"
            )

    if any(before[index] != materialize.digest(flatten(batches[index])) for index in probed):
        raise materialize.NotRepeatingError("its batches are others when they are read again, so they can't be kept")
    turns = itertools.cycle(probed)

    class Kept(base):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(batches) or int(_length(dataset))

        def __getitem__(self, index: int) -> Any:
            return batches[index] if batches else dataset[index]

        def on_epoch_begin(self) -> None:
            if "on_epoch_begin" in hooks:
                dataset.on_epoch_begin()
            self._look()

        def on_epoch_end(self) -> None:
            dataset.on_epoch_end()
            if "on_epoch_begin" not in hooks:
                self._look()

        def _look(self) -> None:
            if own_hook and batches and is_another(next(turns)):
                batches.clear()

    return Kept()


def _length(dataset: Any) -> Any:
    return len(dataset) if backends.is_legacy(dataset) else dataset.num_batches


def copied(batch: Any) -> Any:
    """A batch with arrays of its own: some inputs fill the same array again and again."""
    import numpy as np

    return backends.tree().map_structure(lambda part: part.copy() if isinstance(part, np.ndarray) else part, batch)
