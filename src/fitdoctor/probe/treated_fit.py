"""One call of `fit` with changes: what is put in before it and once its model is built, and taken out after it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

from fitdoctor.changes import apply
from fitdoctor.changes.model import Change, Precompute, RemoveCall, ScaleInput, SetArgument, ThrottleHook
from fitdoctor.probe import debug_switches, describe, metrics

FUNCTIONS = "_fitdoctor_functions"
"""The attribute of a model that keeps what was compiled with changes: another fit of the same model need not compile again."""


class TreatedFit:
    """The changes of one call. What only lasts for the call is taken out again; what `compile` would have been given once stays.

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
        self._undos: list[apply.Undo] = []
        self._drawn: list[Any] = []
        self._changes = changes
        self._rates = [c for c in changes if _is_of_compile(c, "learning_rate")]
        self._metrics = [c for c in changes if isinstance(c, SetArgument) and _is_of_compile(c, "metrics")]
        self._compiled = [c for c in changes if _is_compiled(c) and c not in self._rates and c not in self._metrics]
        self._functions: tuple[Any, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        """Makes the changes that come before the call, and gives the call's arguments. The random generators stay where they are.

        Raises:
            Exception: A change does not fit. `end` takes back what was made until then.
        """
        from fitdoctor.probe.randomness import RandomState

        before = RandomState()
        try:
            return self._prepare()
        finally:
            before.put_back()

    def _prepare(self) -> dict[str, Any]:
        from fitdoctor.probe.feeds import Feeds  # NumPy reads its settings when it is imported: not before the script does

        changes = self._changes
        self._undos.append(apply.to_construction(changes))
        feeds = Feeds(self.model, self.bound, len(os.sched_getaffinity(0)))
        treated = {**apply.to_fit(self.bound, changes), **feeds.changed_arguments(changes)}
        treated["x"] = _of_unknown_length(treated["x"], feeds.changed_input(self._remembered(treated["x"]), changes))
        self._arrange_workers(treated["x"])
        self._undos.append(apply.to_model(self.model, self._compiled))
        apply.to_model(self.model, [change for change in self._rates if not self._is_set(change)])
        self._scale()
        if self._compiled or self._metrics:
            self._functions = self.model.train_function, self.model.test_function
            self.model.train_function, self.model.test_function = _kept(self.model, [*self._compiled, *self._metrics])
        return treated

    def begun(self, items: list[Any]) -> None:
        """Makes the changes that need a model that is built, and callbacks as fit lists them. A callback's settings stay.

        Raises:
            ValueError: One does not fit.
        """
        self.began = True
        of_callbacks = [change for change in self._changes if isinstance(change, (SetArgument, ThrottleHook)) and change.index >= 0]
        apply.to_callbacks(items, [change for change in of_callbacks if isinstance(change, SetArgument)])
        self._undos.append(apply.to_callbacks(items, [change for change in of_callbacks if isinstance(change, ThrottleHook)]))
        for change in self._metrics:
            self._undos.append(metrics.keep_once_built(self.model, change.value, self.dropped.extend))

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

    def as_written(self) -> dict[str, Any]:
        """The arguments of the call without changes; what was drawn of a generator comes first again."""
        return {**self.bound, "x": _again(self._drawn, self.bound["x"])} if self._drawn else self.bound

    @property
    def can_begin_anew(self) -> bool:
        """Whether the call can be made again as it was written: nothing was trained, and its input is as it was."""
        return self.steps == 0 and (describe.input_kind(self.bound["x"]) != "generator" or bool(self._drawn))

    def _remembered(self, x: Any) -> Any:
        """A generator that is to be looked through, with a copy of each batch kept: where that fails, the training needs them."""
        if describe.input_kind(x) != "generator" or not any(isinstance(change, Precompute) for change in self._changes):
            return x
        return _kept_apart(x, self._drawn)

    def _arrange_workers(self, x: Any) -> None:
        for change in self._changes:
            if isinstance(change, SetArgument) and change.call == "PyDataset" and describe.input_kind(x) == "pydataset":
                self._undos.append(_reset(x, change.argument, getattr(x, change.argument)))
                setattr(x, change.argument, change.value)

    def _is_set(self, change: Change) -> bool:
        """Whether this optimizer had the rate already: what follows is for callbacks to decide, as it would be after `compile`."""
        optimizer = self.model.optimizer
        if getattr(optimizer, "_fitdoctor_rate", None) == change.value:  # type: ignore[attr-defined]
            return True
        object.__setattr__(optimizer, "_fitdoctor_rate", change.value)  # type: ignore[attr-defined]
        return False

    def _scale(self) -> None:
        """Puts scaling in front of the model where a change asks for it, once and for good: what is predicted later needs it too."""
        from fitdoctor.changes import scale
        from fitdoctor.probe import spread

        if not any(isinstance(change, ScaleInput) for change in self._changes) or "call" in vars(self.model):
            return
        x = self.bound["x"]
        samples = dict(spread.sampled(x, describe.input_kind(x), draw=True))
        scale.put_in_front(self.model, scale.wanted(samples, self._changes))
        self.model.train_function = self.model.test_function = self.model.predict_function = None


def _is_of_compile(change: Change, argument: str) -> bool:
    return isinstance(change, SetArgument) and (change.call, change.argument) == ("Model.compile", argument)


def _is_compiled(change: Change) -> bool:
    """Whether a change is one of what a step is compiled for."""
    if isinstance(change, RemoveCall):
        return change.call != debug_switches.DEBUG_MODE
    return isinstance(change, SetArgument) and change.call in ("Model.compile", apply.EAGER_SWITCH)


def _signature(model: Any, changes: list[Change]) -> tuple[Any, ...]:
    """What a compiled function is good for: the model as it was compiled last, and the changes."""
    return getattr(model, "_compile_loss", None), model.optimizer, changes


def _kept(model: Any, changes: list[Change]) -> tuple[Any, Any]:
    signature, *functions = vars(model).get(FUNCTIONS, (None, None, None))
    same = signature is not None and all(a is b for a, b in zip(signature[:2], _signature(model, changes)[:2], strict=True))
    return (functions[0], functions[1]) if same and signature[2] == changes else (None, None)


def _of_unknown_length(before: Any, made: Any) -> Any:
    """A dataset that stands for one of unknown length, without a length either.

    Where Keras doesn't know it, each epoch begins one step more, which ends at once but draws random numbers for dropout.
    """
    import tensorflow as tf

    if made is before or not isinstance(before, tf.data.Dataset) or before.cardinality() != tf.data.UNKNOWN_CARDINALITY:
        return made
    return made if made.cardinality() == tf.data.UNKNOWN_CARDINALITY else made.filter(lambda *_: True)


def _kept_apart(generator: Iterator[Any], drawn: list[Any]) -> Iterator[Any]:
    import numpy as np
    import tensorflow as tf

    for batch in generator:
        drawn.append(tf.nest.map_structure(np.array, batch))  # some generators fill the same array again and again
        yield drawn[-1]


def _again(drawn: list[Any], generator: Iterator[Any]) -> Iterator[Any]:
    yield from itertools.chain(drawn, generator)


def _reset(owner: Any, name: str, value: Any) -> apply.Undo:
    return lambda: setattr(owner, name, value)
