"""One call of `fit` with changes: what is put in before it and once its model is built, and taken out after it."""

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

FUNCTIONS = "_fitdoctor_functions"
"""The attribute of a model that keeps what was compiled with changes:

another fit of the same model need not compile again.
"""
RATE = "_fitdoctor_rate"
"""The attribute of an optimizer that keeps the learning rate that it was given with changes."""
MADE = "_fitdoctor_made"
"""The attribute of an input that keeps what was made of it:

a later fit goes on with its random order and its filled caches.
"""


class TreatedFit:
    """The changes of one call. What only lasts for the call is taken out again; what `compile` would have been given
    once stays.

    Where the call is given up, all of it is taken out, and it begins again from the random numbers and the batches that
    it began with.

    Args:
        model: The model that is fitted.
        bound: Fit's arguments by name.
        changes: What to change.
    """

    def __init__(self, model: Any, bound: dict[str, Any], changes: list[Change]) -> None:
        self.model, self.bound = model, bound
        self.steps = 0
        """How many times the model was stepped."""
        self.dropped: list[str] = []
        """The names of metrics that are left out."""
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
        """Makes the changes that come before the call, and gives the call's arguments. The random generators stay where
        they are.

        Raises:
            Exception: A change does not fit. `end` takes back what was made until then.
        """
        from fitdoctor.probe.state.random_state import RandomState

        self._before = RandomState()
        try:
            return self._prepare()
        finally:
            self._put_random_back()

    def _prepare(self) -> dict[str, Any]:
        from fitdoctor.probe.trials.feeds import (
            feeds_of,  # NumPy reads its settings when it is imported: not before the script does
        )

        changes = self._changes
        self._undos.append(live.to_construction(changes))
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        feeds = feeds_of(self.model, self.bound, cores)
        treated = {**live.to_fit(self.bound, changes), **feeds.changed_arguments(changes)}
        treated["x"] = self._changed_input(treated["x"], feeds)
        self._arrange_workers(treated["x"])
        self._undos.append(live.to_model(self.model, self._compiled))
        self._set_rates()
        self._scale()
        if self._compiled or self._metrics:
            self._functions = self.model.train_function, self.model.test_function
            self.model.train_function, self.model.test_function = _kept(self.model, [*self._compiled, *self._metrics])
        return treated

    def begun(self, items: list[Any]) -> None:
        """Makes the changes that need a model that is built, and callbacks as fit lists them. A callback's settings
        stay.

        Raises:
            ValueError: One does not fit.
        """
        self.began = True
        of_callbacks = [
            change for change in self._changes if isinstance(change, (SetArgument, ThrottleHook)) and change.index >= 0
        ]
        self._lasting.append(
            live.to_callbacks(items, [change for change in of_callbacks if isinstance(change, SetArgument)])
        )
        self._undos.append(
            live.to_callbacks(items, [change for change in of_callbacks if isinstance(change, ThrottleHook)])
        )
        for change in self._metrics:
            self._undos.append(compiled_metrics.keep_once_built(self.model, change.value, self.dropped.extend))

    def stepped(self) -> None:
        """Counts a step.

        From the first on, the call can't begin again, and what was drawn for that is needed no more.
        """
        self.steps += 1
        self._drawn.clear()

    def end(self) -> None:
        """Takes back what was only for this call."""
        model = self.model
        if self._functions is not None:
            kept = _signature(model, [*self._compiled, *self._metrics]), model.train_function, model.test_function
            object.__setattr__(model, FUNCTIONS, kept)  # past Keras, which would track what is set
            model.train_function, model.test_function = self._functions
            self._functions = None
        while self._undos:
            self._undos.pop()()

    def given_up(self) -> dict[str, Any]:
        """Takes everything back, and gives the arguments of the call without changes; what was drawn of a generator
        comes first again.
        """
        self.end()
        while self._lasting:
            self._lasting.pop()()
        x = self.bound["x"]
        getattr(x, "__dict__", {}).pop(MADE, None)
        if self._before is not None:
            self._put_random_back()
        return {**self.bound, "x": _again(self._drawn, x)} if self._drawn else self.bound

    @property
    def can_begin_anew(self) -> bool:
        """Whether the call can be made again as it was written:

        nothing was trained, and what was drawn of its input is still there.
        """
        return self.steps == 0

    def _put_random_back(self) -> None:
        """What a generator drew of Python's and NumPy's random numbers stays drawn, as its batches do."""
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
        if not isinstance(made, _Made) or not made.suits(x, own):
            made = _Made(x, own, _of_unknown_length(x, feeds.changed_input(x, changes)))
            object.__setattr__(x, MADE, made)
        return made.made

    def _remembered(self, generator: Iterator[Any]) -> Iterator[Any]:
        """The generator, with a copy of each batch kept until the first step is done:

        where that fails, the training needs them.
        """
        from fitdoctor.probe.trials.feeds.kept_batches import copied

        for batch in generator:  # not `yield from`, which would close it with this one
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
        """Sets a rate that this optimizer did not have already:

        what follows is for callbacks to decide, as it would be after `compile`.
        """
        for change in self._rates:
            optimizer = self.model.optimizer
            before = getattr(optimizer, RATE, None)
            if before != change.value:
                self._lasting.append(live.to_model(self.model, [change]))
                self._lasting.append(partial(object.__setattr__, optimizer, RATE, before))
                object.__setattr__(optimizer, RATE, change.value)

    def _scale(self) -> None:
        """Puts scaling in front of the model where a change asks for it, once and for good:

        what is predicted later needs it too.
        """
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


class _Made:
    """What stands for one input with some changes.

    It stays with that input; a copy or a pickle of that is another one.
    """

    def __init__(self, x: Any, changes: list[Change], made: Any) -> None:
        self._x, self._changes, self.made = weakref.ref(x), changes, made

    def __reduce__(self) -> tuple[Any, ...]:
        return str, ()

    def suits(self, x: Any, changes: list[Change]) -> bool:
        return self._x() is x and self._changes == changes


def _is_of_compile(change: Change, argument: str) -> bool:
    return isinstance(change, SetArgument) and (change.call, change.argument) == ("Model.compile", argument)


def _is_compiled(change: Change) -> bool:
    """Whether a change is one of what a step is compiled for."""
    if isinstance(change, RemoveCall):
        return change.call != debug_switches.DEBUG_MODE
    return isinstance(change, SetArgument) and change.call in ("Model.compile", live.EAGER_SWITCH)


def _signature(model: Any, changes: list[Change]) -> tuple[Any, ...]:
    """What a compiled function is good for: the model as it was compiled last, and the changes."""
    return getattr(model, "_compile_loss", None) or getattr(model, "compiled_loss", None), model.optimizer, changes


def _kept(model: Any, changes: list[Change]) -> tuple[Any, Any]:
    signature, *functions = vars(model).get(FUNCTIONS, (None, None, None))
    same = signature is not None and all(
        a is b for a, b in zip(signature[:2], _signature(model, changes)[:2], strict=True)
    )
    return (functions[0], functions[1]) if same and signature[2] == changes else (None, None)


def _of_unknown_length(before: Any, made: Any) -> Any:
    """A dataset that stands for one of unknown length, without a length either.

    Where Keras doesn't know it, each epoch begins one step more, which ends at once but draws random numbers for
    dropout.
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
    yield from itertools.chain(generator)  # which leaves it open when this one is closed


def _reset(owner: Any, name: str, value: Any) -> live.Undo:
    return lambda: setattr(owner, name, value)
