"""Compares the batches of a changed input with those of the script's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import Change, ConvertArgument, SetArgument
from fitdoctor.probe.apply import live, torch_loaders
from fitdoctor.probe.apply.materialize import digest
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.trials.feeds.base import Feeds
from fitdoctor.recording.trial_protocol import Verified

VERIFY_BATCHES = 8
# Relative difference up to which a value of another type counts as close. float32 keeps seven digits.
CLOSE = 1e-4


def verify_batches(feeds: Feeds, x: Any, changes: list[Change]) -> Verified:
    """Compares the first batches of a changed input with the script's own, or says why they can't be compared.

    Shuffles are left out. A `DataLoader` is shuffled in the same way each time.
    """
    kind = kinds.input_kind(x)
    if kind in ("generator", "pydataset") and any(change.kind == "precompute" for change in changes):
        return Verified(batches="same", why="its batches were compared as they were kept")
    if kind == "generator":
        return Verified(why="a generator gives each batch only once, so they can't be compared")
    if any(isinstance(change, SetArgument) and change.call == "shuffle" for change in changes):
        return Verified(batches="different", why="the samples come in another order")
    begin = torch_loaders.keep_random_state(x) if kind == "dataloader" else _leave_as_is
    plain = _first(feeds, [], begin)
    if not _equal(plain, _first(feeds, [], begin)):
        return Verified(why="the input gives other batches each time, so they can't be compared")
    changed = _first(feeds, changes, begin)
    if _equal(plain, changed):
        return Verified(batches="same")
    if any(isinstance(change, ConvertArgument) and change.dtypes for change in changes) and _close(plain, changed):
        return Verified(batches="close")
    return Verified(batches="different", why="its batches differ from the script's")


def _first(feeds: Feeds, changes: list[Change], begin: Callable[[], None]) -> list[list[Any]]:
    """The first batches with the changes. `begin` sets the state that they are drawn from, before and afterwards."""
    undo = live.switch_off_before_rebuild(changes)
    begin()
    try:
        return feeds.first(changes, VERIFY_BATCHES)
    finally:
        begin()
        undo()


def _leave_as_is() -> None:
    """Does nothing: shuffles of Keras and tf.data are left out, so their batches depend on no state."""


def _equal(one: list[list[Any]], other: list[list[Any]]) -> bool:
    return [digest(batch) for batch in one] == [digest(batch) for batch in other]


def _close(one: list[list[Any]], other: list[list[Any]]) -> bool:
    import numpy as np

    if [len(batch) for batch in one] != [len(batch) for batch in other]:
        return False
    pairs = [pair for batch, again in zip(one, other, strict=True) for pair in zip(batch, again, strict=True)]
    return all(a.shape == b.shape and np.allclose(a, b, rtol=CLOSE, atol=CLOSE, equal_nan=True) for a, b in pairs)
