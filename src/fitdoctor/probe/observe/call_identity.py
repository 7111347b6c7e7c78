"""Counts the models and the data objects of a call site, without keeping any of them alive."""

from __future__ import annotations

import weakref
from typing import Any

from fitdoctor.probe.inputs import kinds, nests
from fitdoctor.probe.observe import single_batch_fits
from fitdoctor.recording.model import Fit

_compiles: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def count_compile(model: Any) -> None:
    """Counts a call of `compile`."""
    try:
        _compiles[model] = _compiles.get(model, 0) + 1
    except TypeError:  # the model is not hashable
        pass


class Identities:
    """The models and data of one call site so far.

    Attributes:
        again: Whether the model of the last call was fitted here before, without another `compile` since.
        one_batch: Whether that call was one step on one batch.
    """

    def __init__(self) -> None:
        self.again = self.one_batch = False
        self._models: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._data: weakref.ref[Any] | None = None
        self._sizes: set[int] = set()

    def note(self, record: Fit, model: Any, bound: dict[str, Any]) -> None:
        """Adds one call to the record's counts."""
        try:
            self._note_model(record, model)
        except TypeError:
            self.again = False
        leaf = nests.first_leaf(bound["x"])
        if self._data is None or self._data() is not leaf:
            record.data_objects += 1
            self._data = _reference(leaf)
        if record.rows is None and kinds.input_kind(bound["x"]) == "arrays":
            record.rows = kinds.rows(bound["x"])
        self.one_batch = single_batch_fits.is_single_batch_fit(model, bound)
        record.one_batch_calls += self.one_batch

    def _note_model(self, record: Fit, model: Any) -> None:
        compiled, before = _compiles.get(model, 1), self._models.get(model, 0)
        record.models += before == 0
        if before == 0 and getattr(model, "built", False):
            self._sizes.add(int(model.count_params()))
            record.model_sizes = len(self._sizes)
        record.compiles += compiled - before
        self._models[model] = compiled
        self.again = before == compiled


def _reference(thing: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(thing)
    except TypeError:
        return None
