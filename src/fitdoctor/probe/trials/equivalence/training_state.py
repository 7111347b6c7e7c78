"""The state from which every arm of a fit starts: put back between arms, and looked at by hashes."""

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

EACH_WINDOW_S = 0.01
"""Where the state is put back faster than this, it is before each window and not only before each round of them."""
EACH_ROUND_S = 0.05
"""Where the hashes take longer than this, they are taken when an arm is prepared and not in each round."""
TRIES = 3
"""The user's threads may draw a random number just after a generator was put back."""
KEPT = ("train_function", "history")
"""Those of evaluate and predict are made when they are first called, and are kept: nothing is trained by them."""
TOO_LARGE = (
    "The model's state is too large to be copied: in trials, each arm went on from where the one before it had come."
)
DRAWN_INSIDE = "Layers such as Dropout draw random numbers within TensorFlow, as tf_keras does it: in trials, each arm drew others."
DRAWN = "Threads of the input draw random numbers all the time: in trials, the random generators could not be put back exactly."


class TrainingState:
    """Weights, optimizers, seeds, metrics, flags, random generators and callbacks as they are now.

    Scalars of whole numbers, such as the optimizer's count of steps, go on within a unit: what a training does every so
    many steps must come as often in windows as it does there. So do the callbacks.

    Args:
        model: Trained for some steps already, so that all of it is built.
        callbacks: Fit's own list, Keras' own ones included.

    Example:
        >>> standing = Standing(model, callbacks)
        >>> model.train_on_batch(x, y)
        >>> standing.put_back(whole=True)
        >>> standing.check(whole=True)
    """

    def __init__(self, model: Any, callbacks: list[Any]) -> None:
        self._model, self._callbacks, self._evaluation = model, callbacks, keras_internals.evaluation_attribute(model)
        self.limits: list[str] = []
        self.snapshot = Snapshot(model) if bytes_of(model) <= MOST_BYTES else None
        if self.snapshot is None:
            self.limits.append(TOO_LARGE)
        if keras_internals.unlike_itself(model):
            self.limits.append(DRAWN_INSIDE)
        self._known = {
            id(variable): variable for variable in variables_of(model)
        }  # held, so that no other object gets its id
        self._random, self._remembered = (
            RandomState(),
            ObjectState(list(callbacks), without=(model, *self._known.values())),
        )
        self._settings = {name: keras_internals.setting(model, name) for name in COMPILE_SETTINGS}
        self._plain = {name: getattr(model, name, None) for name in ("stop_training", "history", self._evaluation)}
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
        """Puts back what is put back once a round of windows, and looks whether that worked.

        Raises:
            StateError: It did not.
        """
        self.restore(whole=False)
        if self._each_round:
            self.check(whole=False)

    def begin_window(self) -> None:
        """Puts back what is put back before each window, where that is cheap."""
        if self._each_window:
            self.restore(whole=False)

    def restore(self, *, whole: bool) -> None:
        """Puts everything back; where not `whole`, callbacks and counters go on."""
        if whole:
            self._remembered.restore()
        for name, value in self._settings.items():
            if keras_internals.setting(self._model, name) != value:
                keras_internals.put_setting(self._model, name, value)
        for name, value in self._plain.items():
            if getattr(self._model, name, None) is not value and getattr(self._model, name, None) != value:
                setattr(self._model, name, value)
        for layer, trainable in self._trainable:
            if layer._trainable != trainable:
                layer.trainable = trainable
        if self.snapshot is not None:
            self.snapshot.restore(counters=whole)
        self._put_generators_back()

    def _put_generators_back(self) -> None:
        for _ in range(1 if self._drawn else TRIES):
            self._random.restore()
            if _generators() == self._generators:
                return
        if not self._drawn:
            self._drawn = True
            self.limits.append(DRAWN)

    def check(self, *, whole: bool) -> None:
        """Takes hashes anew, through the public attributes, and holds them against those of the beginning.

        Raises:
            StateError: Something differs; the message says what.
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
            # What was built since is new and not changed.
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
