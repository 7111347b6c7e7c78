"""Lets a fit's list of callbacks call Keras' own step hooks for a while, without our wrappers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from operator import length_hint
from types import MethodType
from typing import Any

# Returns the second of two arguments when the first is None: `{}.get(None, batch)` is `batch`. It is a C function, so
# no Python frame runs for a batch.
_second_argument = dict[None, Any]().get


class HookBypass:
    """Bypasses the wrappers of the step hooks, and counts the batches that pass meanwhile.

    Why no Python frame may stand between the steps: between two short steps the CPU's caches hold the data of the
    training, so even a wrapper that only compares two values takes a measurable time. The bypass sets Keras' own hooks
    as attributes of the one list of callbacks that the fit uses, so Keras finds them before our wrappers on the class.

    How it counts: the train function reads its batches through `map` over a `repeat` of limited length. Both are C
    code, and the length that is left of the `repeat` is the number of batches that were not requested yet.

    What it costs: nothing per step; one block of Python code per `next_batches`, i.e. every 32 batches or 6 ms.

    Attributes:
        hooks: For each step hook by name, our wrapper on the class and Keras' own function.
        batches_left: Number of batches that may still be requested before the bypass ends.
        requested_s: Time at which the latest block of batches was requested.
    """

    __slots__ = ("_batches_per_step", "_callback_list", "_counter", "_given", "batches_left", "hooks", "requested_s")

    def __init__(self) -> None:
        self.hooks: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
        self.batches_left, self._given, self._batches_per_step = 0, 0, 1
        self.requested_s = 0.0
        self._callback_list: Any = None
        self._counter = repeat(None, 0)

    @property
    def active(self) -> bool:
        """Whether Keras calls its own hooks now."""
        return self._callback_list is not None

    def begin(self, callback_list: Any, steps: int, batches_per_step: int) -> None:
        """Bypasses the wrappers for a number of steps, unless somebody else changed the hooks of the list."""
        cls, own = type(callback_list), getattr(callback_list, "__dict__", {})
        unchanged = all(
            getattr(cls, name, None) is wrapper and name not in own for name, (wrapper, _) in self.hooks.items()
        )
        if steps <= 0 or not self.hooks or not unchanged:
            return
        self.batches_left, self._given, self._batches_per_step = steps * batches_per_step, 0, batches_per_step
        self._counter = repeat(None, 0)
        self._callback_list = callback_list
        for name, (_, original) in self.hooks.items():
            setattr(callback_list, name, MethodType(original, callback_list))

    def next_batches(self, batches: Iterator[Any], most: int) -> Iterator[Any]:
        """Returns the next block of at most `most` batches, and counts each when it is requested."""
        given = min(self.batches_left, most)
        self.batches_left -= given
        self._given += given
        self._counter = repeat(None, given)
        return map(_second_argument, self._counter, batches)

    @property
    def all_requested(self) -> bool:
        """Whether all batches of the latest block were requested."""
        return not length_hint(self._counter)

    def end(self, *, last_ended: bool) -> int:
        """Removes Keras' own hooks from the list, so that our wrappers are called again.

        Args:
            last_ended: Whether the step of the batch that was requested last has ended.

        Returns:
            The number of steps that have ended meanwhile.
        """
        callback_list, self._callback_list = self._callback_list, None
        for name, (_, original) in self.hooks.items():
            if getattr(vars(callback_list).get(name), "__func__", None) is original:
                delattr(callback_list, name)
        requested = self._given - length_hint(self._counter)
        return max(0, requested - (not last_ended)) // self._batches_per_step
