"""A Keras without a framework: `fit` calls what Keras' `fit` calls, in its order, and computes nothing.

The real patches go into it, so that what a probe costs and keeps can be told over a million steps within seconds.

    with fake_keras.imported("jax"):
        patches = install.install(sys.modules["keras"], role, whole_process=False)
        fake_keras.FakeTrainer().fit(x, epochs=10)
        patches.undo()
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

STEPS_PER_EPOCH = 1000


class Callback:
    """The base class of callbacks."""

    model: Any = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Does nothing by default."""


class CountingCallback(Callback):
    """A callback of the script's own, with a hook at each step."""

    def __init__(self) -> None:
        self.steps = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch


class CallbackList:
    """Hands every hook on to the callbacks that have it."""

    def __init__(self, callbacks: list[Any], model: Any, steps: int) -> None:
        self.callbacks, self.model, self.params = callbacks, model, {"steps": steps}

    def _all(self, name: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            hook = getattr(callback, name, None)
            if hook is not None:
                hook(*arguments)

    def on_train_begin(self, logs: Any = None) -> None:
        self._all("on_train_begin", logs)

    def on_train_end(self, logs: Any = None) -> None:
        self._all("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._all("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._all("on_epoch_end", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls nothing: only the cost of the patches around it is measured."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._on_train_batch_end(batch, logs)

    def _on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Calls nothing."""

    def on_test_end(self, logs: Any = None) -> None:
        """Calls nothing."""

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls nothing."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls nothing."""


class PyDataset:
    """A base class that is not used here."""


class EpochIterator:
    """Counts the steps of an epoch, and yields an iterator of empty batches."""

    def __init__(self, steps: int, at_once: int) -> None:
        self._steps, self._at_once, self._next = steps, at_once, 0

    def _get_iterator(self) -> Iterator[None]:
        return itertools.repeat(None, self._steps)

    def __iter__(self) -> EpochIterator:
        self._next = 0
        self._batches = iter(self._get_iterator())
        return self

    def __next__(self) -> tuple[int, int, Iterator[None]]:
        step = self._next
        if step >= self._steps:
            raise StopIteration
        self._next = step + self._at_once
        return step, min(self._next, self._steps) - 1, self._batches


class Rate:
    """A learning rate."""

    def numpy(self) -> float:
        return 0.001


class Trainer:
    """The base class of Keras' model."""

    stop_training = run_eagerly = jit_compile = False
    steps_per_execution = 1
    built = True
    layers: tuple[Any, ...] = ()
    trainable_variables: tuple[Any, ...] = ()

    def __init__(self) -> None:
        self.optimizer = SimpleNamespace(_learning_rate=Rate())

    def compile(self) -> None:
        """Nothing to prepare."""

    def count_params(self) -> int:
        return 10

    def train_function(self, data: Iterator[None]) -> dict[str, float]:
        for _ in itertools.islice(data, self.steps_per_execution):
            pass
        return LOGS


LOGS = {"loss": 1.0}


class FakeTrainer(Trainer):
    """The loops of a backend's trainer."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: list[Any] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> None:
        batches = steps_per_epoch or STEPS_PER_EPOCH
        hooks, steps = CallbackList(callbacks or [], self, batches), EpochIterator(batches, self.steps_per_execution)
        hooks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            hooks.on_epoch_begin(epoch)
            for begin_step, end_step, data in steps:
                hooks.on_train_batch_begin(begin_step)
                logs = self.train_function(data)
                hooks.on_train_batch_end(end_step, logs)
                if self.stop_training:
                    break
            logs = dict(LOGS)
            if validation_data is not None:
                self.evaluate(x=validation_data, callbacks=hooks, _use_cached_eval_dataset=True)
            hooks.on_epoch_end(epoch, logs)
        hooks.on_train_end(logs)

    def evaluate(self, x: Any = None, callbacks: Any = None, **_: Any) -> None:
        callbacks.on_test_begin()
        for begin_step, end_step, _data in EpochIterator(10, 1):
            callbacks.on_test_batch_begin(begin_step)
            callbacks.on_test_batch_end(end_step, LOGS)
        callbacks.on_test_end(LOGS)

    def predict(self, x: Any = None) -> None:
        """Computes nothing."""

    def train_on_batch(self, x: Any = None) -> None:
        """Computes nothing."""

    def test_on_batch(self, x: Any = None) -> None:
        """Computes nothing."""

    def predict_on_batch(self, x: Any = None) -> None:
        """Computes nothing."""


ITERATORS = {"jax": "JAXEpochIterator", "torch": "TorchEpochIterator"}


@contextmanager
def imported(backend: str) -> Iterator[None]:
    """Installs the fake modules as Keras. Other imports of the block stay: NumPy can't be imported twice."""
    fakes = modules(backend)
    before = {name: sys.modules[name] for name in fakes if name in sys.modules}
    sys.modules.update(fakes)
    try:
        yield
    finally:
        for name in fakes:
            del sys.modules[name]
        sys.modules.update(before)


def modules(backend: str) -> dict[str, ModuleType]:
    """Returns the modules for `sys.modules`, for the backend "jax" or "torch".

    The classes are the same in each call: undo the patches.
    """
    folders = ("", ".callbacks", ".trainers", ".backend", f".backend.{backend}")
    parts = [
        _module(
            "keras",
            __version__="3.15.1",
            Model=FakeTrainer,
            config=SimpleNamespace(backend=lambda: backend),
            callbacks=SimpleNamespace(Callback=Callback, CallbackList=CallbackList),
            utils=SimpleNamespace(PyDataset=PyDataset),
            tree=SimpleNamespace(flatten=lambda data: [data]),
        ),
        *(_module(f"keras.src{folder}") for folder in folders),
        _module("keras.src.callbacks.callback_list", CallbackList=CallbackList),
        _module("keras.src.trainers.trainer", Trainer=Trainer),
        _module(f"keras.src.backend.{backend}.trainer", **{ITERATORS[backend]: EpochIterator}),
    ]
    return {part.__name__: part for part in parts}


def _module(name: str, **attributes: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(attributes)
    return module
