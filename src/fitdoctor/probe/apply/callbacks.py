"""Sets an argument of a live callback, with the effects that it has in the constructor."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Undo = Callable[[], None]

WEIGHTS = ".weights.h5"


def set_argument(callback: Any, argument: str, value: Any) -> Undo:
    """Makes a callback behave as if its constructor had got `value`. The result restores it.

    Raises:
        AttributeError: The callback has no such attribute.
    """
    special = _SPECIAL.get((type(callback).__name__, argument))
    return special(callback, value) if special is not None else set_attribute(callback, argument, value)


def set_attribute(callback: Any, name: str, value: Any) -> Undo:
    """Sets an attribute. The result restores it."""
    undo = functools.partial(setattr, callback, name, getattr(callback, name))
    setattr(callback, name, value)
    return undo


def silence(items: list[Any], verbose: Any) -> Undo:
    """Sets `verbose` of the progress bar that fit added to its callbacks.

    Raises:
        ValueError: There is no progress bar.
    """
    for callback in items:
        if type(callback).__name__ == "ProgbarLogger":
            return set_attribute(callback, "verbose", verbose)
    raise ValueError("Expected fit to have a progress bar.")


def period(items: list[Any]) -> int:
    """The number of batches after which each periodic callback has acted at least once."""
    found = [getattr(callback, name, None) for callback in items for name in ("save_freq", "update_freq")]
    return max([1, *(every for every in found if isinstance(every, int) and every > 0)])


def _update_freq(callback: Any, value: Any) -> Undo:
    """Sets `update_freq` of `TensorBoard`, which keeps a writer open between batches unless it writes by epoch."""
    before = callback.update_freq
    if before != "epoch" and callback._prev_summary_state:
        callback._pop_writer()
    callback.update_freq = value
    if value != "epoch":
        callback._push_writer(callback._train_writer, callback._global_train_batch)

    def undo() -> None:
        if value != "epoch":
            callback._pop_writer()
        callback.update_freq = before
        if before != "epoch":
            callback._push_writer(callback._train_writer, callback._global_train_batch)

    return undo


def _profile_batch(callback: Any, value: Any) -> Undo:
    """Sets `profile_batch` of `TensorBoard`. Only turning the profiler off is supported."""
    if value != 0:
        raise ValueError(f"`profile_batch` of a live TensorBoard can only be set to 0, received {value!r}.")
    running, callback._should_trace = callback._profiler_started, False
    if running:
        callback._stop_profiler(save=False)

    def undo() -> None:
        callback._should_trace = True
        if running:
            callback._start_profiler(logdir=callback._train_dir)

    return undo


def _weights_only(callback: Any, value: Any) -> Undo:
    """Sets `save_weights_only` of `ModelCheckpoint`, which also recognizes weights by the name of the file."""
    before = callback.save_weights_only, callback.filepath
    callback.save_weights_only = value
    if value and not callback.filepath.endswith(WEIGHTS):
        callback.filepath = callback.filepath.removesuffix(".keras").removesuffix(".h5") + WEIGHTS

    def undo() -> None:
        callback.save_weights_only, callback.filepath = before

    return undo


_SPECIAL: dict[tuple[str, str], Callable[[Any, Any], Undo]] = {
    ("TensorBoard", "update_freq"): _update_freq,
    ("TensorBoard", "profile_batch"): _profile_batch,
    ("ModelCheckpoint", "save_weights_only"): _weights_only,
}
