"""Compares the batches of a changed input with those of the script's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import Change, ConvertArgument, SetArgument
from fitdoctor.probe.apply import live, torch_loaders
from fitdoctor.probe.apply.materialize import digest
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.trials.feeds.tfdata import Feeds

VERIFY_BATCHES = 8
CLOSE = 1e-4
"""Relative difference up to which a value of another type of number counts as the same: float32 keeps seven digits."""


def verify_batches(feeds: Feeds, x: Any, changes: list[Change]) -> dict[str, str]:
    """Whether the first batches are the "same", "close" or "different", and why they can't be compared.

    Shuffles are left out; a `DataLoader` is shuffled in the same way each time.
    """
    kind = kinds.input_kind(x)
    if kind in ("generator", "pydataset") and any(change.kind == "precompute" for change in changes):
        return {"batches": "same", "why": "its batches were compared as they were kept"}
    if kind == "generator":
        return {"batches": "", "why": "a generator gives each batch only once, so they can't be compared"}
    if any(isinstance(change, SetArgument) and change.call == "shuffle" for change in changes):
        return {"batches": "different", "why": "the samples come in another order"}
    begin = torch_loaders.keep_random_state(x) if kind == "dataloader" else _anywhere
    plain = _first(feeds, [], begin)
    if not _equal(plain, _first(feeds, [], begin)):
        return {"batches": "", "why": "the input gives other batches each time, so they can't be compared"}
    changed = _first(feeds, changes, begin)
    if _equal(plain, changed):
        return {"batches": "same", "why": ""}
    if any(isinstance(change, ConvertArgument) and change.dtypes for change in changes) and _close(plain, changed):
        return {"batches": "close", "why": ""}
    return {"batches": "different", "why": "its batches differ from the script's"}


def _first(feeds: Feeds, changes: list[Change], begin: Callable[[], None]) -> list[list[Any]]:
    """The first batches from where `begin` puts what they are drawn from, which it leaves as it was there."""
    undo = live.to_construction(changes)
    begin()
    try:
        return feeds.first(changes, VERIFY_BATCHES)
    finally:
        begin()
        undo()


def _anywhere() -> None:
    """Shuffles of Keras and tf.data are left out, so their batches need no state to begin from."""


def _equal(one: list[list[Any]], other: list[list[Any]]) -> bool:
    return [digest(batch) for batch in one] == [digest(batch) for batch in other]


def _close(one: list[list[Any]], other: list[list[Any]]) -> bool:
    import numpy as np

    if [len(batch) for batch in one] != [len(batch) for batch in other]:
        return False
    pairs = [pair for batch, again in zip(one, other, strict=True) for pair in zip(batch, again, strict=True)]
    return all(a.shape == b.shape and np.allclose(a, b, rtol=CLOSE, atol=CLOSE, equal_nan=True) for a, b in pairs)
