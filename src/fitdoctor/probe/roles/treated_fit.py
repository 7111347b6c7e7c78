"""One call of `fit` with changes: they are made before the call, or once its model is built, and undone after it."""

from __future__ import annotations

import itertools
import os
import random
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

from fitdoctor.changes.model import Change, Precompute, RemoveCall, ScaleInput, SetArgument, ThrottleHook
from fitdoctor.probe import backends
from fitdoctor.probe.apply import live, torch_loaders
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.trainer import compiled_metrics, debug_switches

# An attribute of a model. It keeps the functions that were compiled with changes, for the next fit of the model.
FUNCTIONS = "_fitdoctor_functions"
# An attribute of an optimizer. It keeps the learning rate that a change has set.
RATE = "_fitdoctor_rate"
# An attribute of an input. It keeps the changed input: a later fit continues with its random order and filled caches.
MADE = "_fitdoctor_made"


class TreatedFit:
    """The changes of one call.

    Changes of the call itself are undone after it. Changes that would stand in `compile` stay. If the call fails before
    its first step, all changes are undone, and it can start again with the same random numbers and batches.

    Args:
        model: The model that is fitted.
        bound: Fit's arguments by name.
        changes: What to change.

    Attributes:
        steps: How many steps were trained.
        dropped: The names of metrics that are left out.
        began: Whether `begin` was called.
    """

    def __init__(self, model: Any, bound: dict[str, Any], changes: list[Change]) -> None:
        self.model, self.bound = model, bound
        self.steps = 0
        self.dropped: list[str] = []
        self.began = False
        self._undos: list[live.Undo] = []
        self._lasting: list[live.Undo] = []
        self._before: Any = None
        self._drawn: list[Any] = []
        self._changes = changes
        self._rates = [c for c in changes if isinstance(c, SetArgument) and _is_of_compile(c, "learning_rate")]
        self._metrics = [c for c in changes if isinstance(c, SetArgument) and _is_of_compile(c, "metrics")]
        self._compiled = [c for c in changes if _is_compiled(c) and c not in self._rates and c not in self._metrics]
        self._functions: tuple[Any, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        """Makes the changes before the call and gives its arguments. The random generators keep their state.

        Raises:
            Exception: A change does not fit. `end` undoes those before it.
        """
        from fitdoctor.probe.state.random_state import RandomState

        self._before = RandomState()
        try:
            return self._prepare()
        finally:
            self._restore_random()

    def _prepare(self) -> dict[str, Any]:
        # This imports NumPy, which reads its settings then: not before the script does.
        from fitdoctor.probe.trials.feeds import feeds_of

        changes = self._changes
        self._undos.append(live.switch_off_before_rebuild(changes))
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        feeds = feeds_of(self.model, self.bound, cores)
        treated = {**live.apply_to_fit(self.bound, changes), **feeds.changed_arguments(changes)}
        treated["x"] = self._changed_input(treated["x"], feeds)
        self._arrange_workers(treated["x"])
        self._undos.append(live.apply_to_model(self.model, self._compiled))
        self._set_rates()
        self._scale()
        if self._compiled or self._metrics:
            self._functions = self.model.train_function, self.model.test_function
            self.model.train_function, self.model.test_function = _compiled_functions(
                self.model, [*self._compiled, *self._metrics]
            )
        return treated

    def begin(self, items: list[Any]) -> None:
        """Makes the changes that need a built model and the list of callbacks. Settings of callbacks stay.

        Raises:
            ValueError: A change does not fit.
        """
        self.began = True
        of_callbacks = [
            change for change in self._changes if isinstance(change, (SetArgument, ThrottleHook)) and change.index >= 0
        ]
        self._lasting.append(
            live.apply_to_callbacks(items, [change for change in of_callbacks if isinstance(change, SetArgument)])
        )
        self._undos.append(
            live.apply_to_callbacks(items, [change for change in of_callbacks if isinstance(change, ThrottleHook)])
        )
        for change in self._metrics:
            self._undos.append(compiled_metrics.keep_once_built(self.model, change.value, self.dropped.extend))

    def step_ended(self) -> None:
        """Counts a step. From the first step on, the call can't restart, and the drawn batches are not needed."""
        self.steps += 1
        self._drawn.clear()

    def end(self) -> None:
        """Undoes the changes that are only for this call."""
        model = self.model
        if self._functions is not None:
            kept = _signature(model, [*self._compiled, *self._metrics]), model.train_function, model.test_function
            object.__setattr__(model, FUNCTIONS, kept)  # without Keras' tracking of attributes
            model.train_function, model.test_function = self._functions
            self._functions = None
        while self._undos:
            self._undos.pop()()

    def give_up(self) -> dict[str, Any]:
        """Undoes all changes and gives the original arguments. A generator first repeats the drawn batches."""
        self.end()
        while self._lasting:
            self._lasting.pop()()
        x = self.bound["x"]
        getattr(x, "__dict__", {}).pop(MADE, None)
        if self._before is not None:
            self._restore_random()
        return {**self.bound, "x": _again(self._drawn, x)} if self._drawn else self.bound

    @property
    def can_restart(self) -> bool:
        """Whether the call can be repeated as written: nothing was trained, and the drawn batches are still kept."""
        return self.steps == 0

    def _restore_random(self) -> None:
        """Restores the random generators, but not what a Python generator has drawn from them for its batches."""
        import numpy as np

        drawn = random.getstate(), np.random.get_state()
        self._before.restore()
        if self._drawn:
            random.setstate(drawn[0])
            np.random.set_state(drawn[1])

    def _changed_input(self, x: Any, feeds: Any) -> Any:
        kind, changes = kinds.input_kind(x), self._changes
        if kind == "generator":
            return feeds.changed_input(self._remembered(x), changes)
        own = [
            change for change in changes if change.place.position >= 0 or isinstance(change, (Precompute, RemoveCall))
        ]
        own += [change for change in changes if torch_loaders.settings([change])]
        if not own or kind not in ("tf.data", "pydataset", "dataloader"):
            return feeds.changed_input(x, changes)
        made = vars(x).get(MADE)
        if not isinstance(made, _ChangedInput) or not made.is_for(x, own):
            made = _ChangedInput(x, own, _of_unknown_length(x, feeds.changed_input(x, changes)))
            object.__setattr__(x, MADE, made)
        return made.value

    def _remembered(self, generator: Iterator[Any]) -> Iterator[Any]:
        """The generator, with a copy of each batch until the first step is done. A restart repeats these batches."""
        from fitdoctor.probe.trials.feeds.kept_batches import copied

        for batch in generator:  # not `yield from`: closing this generator would close the inner one
            if self.steps:
                yield batch
            else:
                self._drawn.append(copied(batch))
                yield self._drawn[-1]

    def _arrange_workers(self, x: Any) -> None:
        for change in self._changes:
            if isinstance(change, SetArgument) and change.call == "PyDataset" and kinds.input_kind(x) == "pydataset":
                self._undos.append(_reset(x, change.argument, getattr(x, change.argument)))
                setattr(x, change.argument, change.value)

    def _set_rates(self) -> None:
        """Sets a learning rate once per optimizer. Later, callbacks may change it, as after `compile`."""
        for change in self._rates:
            optimizer = self.model.optimizer
            before = getattr(optimizer, RATE, None)
            if before != change.value:
                self._lasting.append(live.apply_to_model(self.model, [change]))
                self._lasting.append(partial(object.__setattr__, optimizer, RATE, before))
                object.__setattr__(optimizer, RATE, change.value)

    def _scale(self) -> None:
        """Puts scaling in front of the model, once and for good: later predictions need it too."""
        from fitdoctor.probe.apply import scaling
        from fitdoctor.probe.observe import input_statistics

        if not any(isinstance(change, ScaleInput) for change in self._changes) or "call" in vars(self.model):
            return
        x = self.bound["x"]
        samples = dict(input_statistics.sampled(x, kinds.input_kind(x), draw=True))
        self._lasting += [
            self._forget_functions,
            scaling.put_in_front(self.model, scaling.wanted(samples, self._changes)),
        ]
        self._forget_functions()

    def _forget_functions(self) -> None:
        self.model.train_function = self.model.test_function = self.model.predict_function = None


class _ChangedInput:
    """The changed version of one input. It belongs to that object only, not to its copies or pickles."""

    def __init__(self, x: Any, changes: list[Change], made: Any) -> None:
        self._x, self._changes, self.value = weakref.ref(x), changes, made

    def __reduce__(self) -> tuple[Any, ...]:
        return str, ()

    def is_for(self, x: Any, changes: list[Change]) -> bool:
        return self._x() is x and self._changes == changes


def _is_of_compile(change: Change, argument: str) -> bool:
    return isinstance(change, SetArgument) and (change.call, change.argument) == ("Model.compile", argument)


def _is_compiled(change: Change) -> bool:
    """Whether a change needs a newly compiled step."""
    if isinstance(change, RemoveCall):
        return change.call != debug_switches.DEBUG_MODE
    return isinstance(change, SetArgument) and change.call in ("Model.compile", live.EAGER_SWITCH)


def _signature(model: Any, changes: list[Change]) -> tuple[Any, ...]:
    """What a compiled function depends on: the last call of `compile`, and the changes."""
    return getattr(model, "_compile_loss", None) or getattr(model, "compiled_loss", None), model.optimizer, changes


def _compiled_functions(model: Any, changes: list[Change]) -> tuple[Any, Any]:
    signature, *functions = vars(model).get(FUNCTIONS, (None, None, None))
    same = signature is not None and all(
        a is b for a, b in zip(signature[:2], _signature(model, changes)[:2], strict=True)
    )
    return (functions[0], functions[1]) if same and signature[2] == changes else (None, None)


def _of_unknown_length(before: Any, made: Any) -> Any:
    """A changed dataset whose length is unknown if that of the original is.

    Without a length, Keras starts one step more in each epoch. It ends at once, but draws random numbers for dropout.
    """
    tf = backends.loaded("tensorflow")
    if (
        made is before
        or tf is None
        or not isinstance(before, tf.data.Dataset)
        or before.cardinality() != tf.data.UNKNOWN_CARDINALITY
    ):
        return made
    return made if made.cardinality() == tf.data.UNKNOWN_CARDINALITY else made.filter(lambda *_: True)


def _again(drawn: list[Any], generator: Iterator[Any]) -> Iterator[Any]:
    while drawn:
        yield drawn.pop(0)
    yield from itertools.chain(generator)  # the chain keeps the generator open if this one is closed


def _reset(owner: Any, name: str, value: Any) -> live.Undo:
    return lambda: setattr(owner, name, value)
