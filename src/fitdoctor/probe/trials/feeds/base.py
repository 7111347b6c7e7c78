"""The inputs of the arms of a rehearsal, whatever the backend: what a change makes of fit's own arguments."""

from __future__ import annotations

import copy
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from fitdoctor.changes.model import Change, ConvertArgument, Precompute
from fitdoctor.probe import backends
from fitdoctor.probe.apply import materialize, tfdata, torch_loaders
from fitdoctor.probe.apply.arrays import converted
from fitdoctor.probe.inputs import kinds, tfdata_recipes
from fitdoctor.probe.inputs.tfdata_recipes import Recipe
from fitdoctor.probe.support.originals import threading
from fitdoctor.probe.trainer.keras_internals import epoch_iterator
from fitdoctor.probe.trials.feeds.cache_slices import Slices
from fitdoctor.probe.trials.feeds.kept_batches import MATERIALIZE_S, copied, kept_dataset

# Real batches that an input-free feed repeats. With several, a batch's values do not stay in the nearest cache.
FIXED_BATCHES = 8
# The placebo gets its own copy of arrays below this size, as an arm with changed arrays has one.
COPIED_BYTES = 256 << 20
READ_ONCE = (
    "The input is a Python generator, which can be read only once: in trials, the arms drew from it in turn, each "
    "the next batches, so no two arms got the same ones."
)


class SharedGenerator:
    """One generator that several arms draw from. Each draw gets the next batch, under a lock."""

    def __init__(self, generator: Iterator[Any]) -> None:
        self._generator = generator
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._lock:
            return next(self._generator)


class Feeds(ABC):
    """Makes the input of each arm.

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

    @abstractmethod
    def dataset(
        self, changes: list[Change], *, shuffle: bool | None = None, steady: bool = False, anew: bool = False
    ) -> Any:
        """The input with the changes, as it is: finite where it is finite.

        Args:
            changes: Of the arm.
            shuffle: In place of fit's own argument.
            steady: Whether workers run no further ahead than they must to be busy.
            anew: Whether small arrays are copied once more, for this arm alone.
        """

    @abstractmethod
    def endless(self, changes: list[Change], *, anew: bool = False) -> Any:
        """An endless input with small, fixed read-ahead. Its caches are full and hold a slice of the data."""

    @abstractmethod
    def continuous(self, changes: list[Change], *, anew: bool = False) -> Any:
        """The input without an end, with the read-ahead that it has in a training."""

    @abstractmethod
    def finite(self, changes: list[Change], *, anew: bool = False) -> Any:
        """One epoch of the input, with the read-ahead that it has in a training."""

    @abstractmethod
    def read_ahead(self, dataset: Any, changes: list[Change]) -> int:
        """How many batches an endless input may hold ready."""

    @abstractmethod
    def fixed(self) -> Any:
        """A few real batches, over and over: input that costs next to nothing."""

    @abstractmethod
    def first(self, changes: list[Change], count: int) -> list[list[Any]]:
        """The arrays of the first batches, not shuffled."""

    @abstractmethod
    def in_batches_of(self, rows: int) -> Any:
        """The unshuffled input in batches of `rows` rows, where it can be rebatched and its own are much smaller."""

    @abstractmethod
    def _repeated_batches(self, batches: list[Any]) -> Any:
        """An input that gives these batches over and over."""

    # What an input costs beside its batches.

    def limits(self) -> list[str]:
        """What the report must say of an input that can be read only once."""
        return [READ_ONCE] if kinds.input_kind(self._bound["x"]) == "generator" else []

    def take_slice_s(self) -> float:
        """Seconds since the last call that went into slices of caches. No training pays them."""
        spent_s, self._slices.spent_s = self._slices.spent_s, 0.0
        return spent_s

    def take_note(self) -> str:
        """What was found out about the input while it was made, once."""
        note, self._note = self._note, ""
        return note

    def take_sentence(self) -> str:
        """What a trial of the input rests on, for the report, once."""
        sentence, self._slices.note = self._slices.note, ""
        return sentence

    def close(self) -> None:
        """Ends the worker processes that the arms have started."""
        torch_loaders.end(self._started)

    # What a change makes of fit's arguments.

    def changed_input(self, x: Any, changes: list[Change]) -> Any:
        """What replaces fit's `x` once its input is changed."""
        kind = kinds.input_kind(x)
        if kind == "tf.data":
            return tfdata.apply(x, changes, self._from_generator)
        if any(isinstance(change, Precompute) for change in changes):
            if kind == "generator":
                return self._one_period(x)
            if kind == "pydataset":
                return kept_dataset(x)
        if kind == "dataloader" and torch_loaders.settings(changes):
            return torch_loaders.arranged(x, changes, steady=False)
        held = [change for change in changes if isinstance(change, ConvertArgument) and change.attribute]
        return self._with_arrays(x, held) if held else x

    def changed_arguments(self, changes: list[Change]) -> dict[str, Any]:
        """Fit's arguments that a change converts. Each is converted once, for all arms."""
        made: dict[str, Any] = {}
        for change in changes:
            if isinstance(change, ConvertArgument) and change.call == "Model.fit" and not change.attribute:
                key = repr(change)
                if key not in self._converted:
                    self._converted[key] = converted(self._bound[change.argument], change.dtypes)
                made[change.argument] = self._converted[key]
        return made

    def _with_arrays(self, x: Any, changes: list[ConvertArgument]) -> Any:
        """A copy of the object that reads its rows from arrays in memory."""
        made = copy.copy(x)
        for change in changes:
            key = repr(change)
            if key not in self._converted:
                self._converted[key] = converted(getattr(x, change.attribute), change.dtypes)
            object.__setattr__(made, change.attribute, self._converted[key])
        return made

    def _from_generator(self, dataset: Any, recipe: Recipe) -> Any:
        """A dataset of the elements that one pass of `Dataset.from_generator` gives."""
        import tensorflow as tf

        function = tfdata_recipes.function_of(recipe)
        arguments = recipe.keywords.get("args") or ()
        spec = dataset.element_spec
        parts = tf.nest.flatten(spec)
        if not all(isinstance(part, tf.TensorSpec) for part in parts):
            raise materialize.NotRepeatingError("it gives ragged or sparse tensors")
        columns = materialize.elements(
            lambda: function(*arguments),
            lambda element: _components(spec, element),
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
        return self._repeated_batches(batches)

    # What the backends share.

    def _epoch_iterator(self, x: Any, shuffle: Any, keywords: dict[str, Any]) -> Any:
        return epoch_iterator(
            self._model, x=self._one_reader_of_many(x), shuffle=shuffle, steps_per_execution=1, **keywords
        )

    def _one_reader_of_many(self, x: Any) -> Any:
        """An arm's share of a generator; any other input as it is."""
        if kinds.input_kind(x) != "generator":
            return x
        if self._shared is None:
            self._shared = SharedGenerator(x)
        return _through(self._shared)

    @staticmethod
    def _key(shuffled: Any, changes: list[Change]) -> tuple[Any, ...]:
        """Tells apart the datasets that are made of the same arrays."""
        return shuffled, *(repr(change) for change in changes if isinstance(change, ConvertArgument))

    def _is_small(self) -> bool:
        parts = [part for name in ("x", "y", "sample_weight") for part in backends.tree().flatten(self._bound[name])]
        return sum(int(getattr(part, "nbytes", COPIED_BYTES)) for part in parts if part is not None) < COPIED_BYTES


def rebatched(dataset: Any, rows: int, flatten: Callable[[Any], list[Any]]) -> Any:
    """A dataset of tf.data with its batches joined where they are of a known size, and much smaller."""
    first = flatten(dataset.element_spec)
    small = first and first[0].shape.rank and first[0].shape[0] is not None and first[0].shape[0] < rows // 4
    return dataset.rebatch(rows) if small else dataset


def _components(spec: Any, element: Any) -> list[Any]:
    """An element's components in the order of its specification. A component may itself be a list of numbers."""
    if isinstance(spec, dict):
        return [part for name in sorted(spec) for part in _components(spec[name], element[name])]
    if isinstance(spec, (tuple, list)):
        return [part for one, other in zip(spec, element, strict=True) for part in _components(one, other)]
    return [element]


def _through(shared: SharedGenerator) -> Iterator[Any]:
    """A generator object over the shared one: Keras accepts no other iterator."""
    yield from shared
