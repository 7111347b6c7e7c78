"""The state from which every arm of a fit starts. It is restored between arms, and checked by hashes."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.apply.live import COMPILE_SETTINGS
from fitdoctor.probe.state import fingerprints
from fitdoctor.probe.state.model_snapshot import MOST_BYTES, Snapshot, bytes_of, is_counter, variables_of
from fitdoctor.probe.state.object_state import ObjectState
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.probe.trials.equivalence.errors import StateChangedError

# Where the state is restored faster than this, it is restored before each window, and not only before each round.
EACH_WINDOW_S = 0.01
# Where the hashes take longer than this, they are taken when an arm is prepared, and not in each round.
EACH_ROUND_S = 0.05
# The user's threads may draw a random number just after a generator was restored.
TRIES = 3
# Functions and attributes that must stay the same objects. Those of evaluate and predict may be made later: nothing is
# trained by them.
KEPT = ("train_function", "history")
TOO_LARGE = "The model's state is too large to be copied: in trials, each arm started where the one before it ended."
DRAWN_INSIDE = (
    "Layers such as Dropout draw random numbers within TensorFlow, as tf_keras does it: in trials, each arm used "
    "different random numbers."
)
DRAWN = (
    "Threads of the input draw random numbers all the time: in trials, the random generators could not be restored "
    "exactly."
)


class TrainingState:
    """Weights, optimizers, seeds, metrics, flags, random generators and callbacks as they are now.

    Within a unit, counters such as the optimizer's steps count on, and callbacks keep their state. So what a training
    does every so many steps comes as often in windows.

    Args:
        model: Trained for some steps already, so that all of it is built.
        callbacks: Fit's own list, Keras' own ones included.

    Example:
        >>> state = TrainingState(model, callbacks)
        >>> model.train_on_batch(x, y)
        >>> state.restore(whole=True)
        >>> state.check(whole=True)
    """

    def __init__(self, model: Any, callbacks: list[Any]) -> None:
        self._model, self._callbacks, self._evaluation = model, callbacks, keras_internals.evaluation_attribute(model)
        self.limits: list[str] = []
        self.snapshot = Snapshot(model) if bytes_of(model) <= MOST_BYTES else None
        if self.snapshot is None:
            self.limits.append(TOO_LARGE)
        if keras_internals.unlike_itself(model):
            self.limits.append(DRAWN_INSIDE)
        # The variables are held, so that no other object gets the id of one.
        self._known = {id(variable): variable for variable in variables_of(model)}
        self._random = RandomState()
        self._callback_state = ObjectState(list(callbacks), without=(model, *self._known.values()))
        self._settings = {name: keras_internals.setting(model, name) for name in COMPILE_SETTINGS}
        self._attributes = {name: getattr(model, name, None) for name in ("stop_training", "history", self._evaluation)}
        self._trainable = [(layer, layer._trainable) for layer in [model, *model._flatten_layers(include_self=False)]]
        self._generators = _generators()
        self._before = self._fingerprints(whole=True)
        self._drawn = False
        began_s = time.perf_counter()
        self.restore(whole=False)
        between_s = time.perf_counter()
        self.check(whole=False)
        self._each_window = between_s - began_s <= EACH_WINDOW_S
        self._each_round = time.perf_counter() - between_s <= EACH_ROUND_S

    def begin_round(self) -> None:
        """Restores the state before a round of windows, and checks it where that is cheap.

        Raises:
            StateChangedError: Something differs.
        """
        self.restore(whole=False)
        if self._each_round:
            self.check(whole=False)

    def begin_window(self) -> None:
        """Restores the state before a window, where that is cheap."""
        if self._each_window:
            self.restore(whole=False)

    def restore(self, *, whole: bool) -> None:
        """Restores the state. Callbacks and counters are restored where `whole` only."""
        if whole:
            self._callback_state.restore()
        for name, value in self._settings.items():
            if keras_internals.setting(self._model, name) != value:
                keras_internals.put_setting(self._model, name, value)
        for name, value in self._attributes.items():
            if getattr(self._model, name, None) is not value and getattr(self._model, name, None) != value:
                setattr(self._model, name, value)
        for layer, trainable in self._trainable:
            if layer._trainable != trainable:
                layer.trainable = trainable
        if self.snapshot is not None:
            self.snapshot.restore(counters=whole)
        self._restore_generators()

    def _restore_generators(self) -> None:
        for _ in range(1 if self._drawn else TRIES):
            self._random.restore()
            if _generators() == self._generators:
                return
        if not self._drawn:
            self._drawn = True
            self.limits.append(DRAWN)

    def check(self, *, whole: bool) -> None:
        """Compares hashes of the state with those of the beginning.

        Raises:
            StateChangedError: Something differs. The message names it.
        """
        now = self._fingerprints(whole=whole)
        differing = [name for name, text in now.items() if self._before.get(name) != text]
        if differing:
            raise StateChangedError(", ".join(differing))

    def _fingerprints(self, *, whole: bool) -> dict[str, str]:
        model = self._model
        found = {f"model.{name}": str(getattr(model, name, None)) for name in fingerprints.FLAGS}
        found |= {f"model.{name}": str(id(getattr(model, name, None))) for name in (*KEPT, self._evaluation)}
        found["trainable flags"] = str([layer.trainable for layer, _ in self._trainable])
        found["the optimizer"] = str(id(model.optimizer))
        if (tf := backends.in_use("tensorflow")) is not None:
            found["run_functions_eagerly"] = str(tf.config.functions_run_eagerly())
        if self.snapshot is not None:
            # Variables that were built since are new, and not changed.
            variables = [variable for variable in variables_of(model) if id(variable) in self._known]
            found["the weights"] = fingerprints.of_variables(v for v in variables if not is_counter(v))
            if whole:
                found["counters"] = fingerprints.of_variables(filter(is_counter, variables))
        if whole:
            for number, callback in enumerate(self._callbacks):
                attributes = fingerprints.of_attributes(callback, number)
                found |= {
                    f"{type(callback).__name__}.{name}": text
                    for name, text in attributes.items()
                    if not name.startswith("_")
                }
        return found


def _generators() -> dict[str, str]:
    return fingerprints.of_random_generators() | RandomState.fingerprints()
