"""Batches of a Python input that are made once and kept."""

from __future__ import annotations

import itertools
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.apply import materialize
from fitdoctor.probe.support.originals import time

# The longest that one pass over a Python input may take in a trial.
MATERIALIZE_S = 40.0
# Hooks of a `PyDataset` between two epochs, in the order in which Keras calls them.
EPOCH_HOOKS = ("on_epoch_end", "on_epoch_begin")


def kept_dataset(dataset: Any) -> Any:
    """A `PyDataset` that makes each batch once. Its order, length and epoch hooks stay.

    Where one of its hooks changes the batches in a later epoch, they are read from the user's object from then on.

    Raises:
        materialize.NotRepeatingError: A batch differs after the end of an epoch.
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
            self._compare()

        def on_epoch_end(self) -> None:
            dataset.on_epoch_end()
            if "on_epoch_begin" not in hooks:
                self._compare()

        def _compare(self) -> None:
            if own_hook and batches and is_another(next(turns)):
                batches.clear()

    return Kept()


def _length(dataset: Any) -> Any:
    return len(dataset) if backends.is_legacy(dataset) else dataset.num_batches


def copied(batch: Any) -> Any:
    """A batch with its own arrays: some inputs fill the same array for each batch."""
    import numpy as np

    return backends.tree().map_structure(lambda part: part.copy() if isinstance(part, np.ndarray) else part, batch)
