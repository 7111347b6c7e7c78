"""`fitdoctor.Doctor`: a callback that observes its fit, and reports at its end."""

from __future__ import annotations

import weakref
from typing import Any

import keras

from fitdoctor.api import observed, patch_points
from fitdoctor.api.observed import Observation
from fitdoctor.cli.say import say
from fitdoctor.errors import FitdoctorError
from fitdoctor.report.model import Report


class Doctor(keras.callbacks.Callback):  # type: ignore[misc]
    """Observes the fit that it is passed to, and prints a report on stderr at its end.

    Make it on a line before the call of `fit`: Python looks up `model.fit` before it makes the arguments, so a later
    patch has no effect.

    It has no batch hooks: a callback that Keras calls at each batch changes what it measures. Instead it patches Keras'
    classes while it exists. It neither ends nor changes a training. If it fails, it says so, and the training goes on.

    Args:
        show: Whether to print the report. It is in `report` in any case.

    Attributes:
        report: The report of the last fit; None before there is one.

    Example:
        >>> doctor = fitdoctor.Doctor()
        >>> model.fit(x, y, epochs=20, callbacks=[doctor])
        >>> doctor.report.verdict
        'causes'
    """

    def __init__(self, *, show: bool = True) -> None:
        super().__init__()
        self.show = show
        self.report: Report | None = None
        self._observed = False
        try:
            patch_points.check_supported()
            weakref.finalize(self, patch_points.install(_OnlyWith(weakref.ref(self))))
        except FitdoctorError as error:
            say(f"{error} This training is not observed.")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Warns where `fit` was looked up before this callback was made, so that the unpatched one runs."""
        if not self._observed:
            say(
                "Received a Doctor() made within the call of fit, which was looked up before it; this training is not "
                "observed. Expected one that was made on a line before: doctor = fitdoctor.Doctor(), then "
                "fit(…, callbacks=[doctor])."
            )

    def _has_batch_hooks(self) -> bool:
        return False

    # tf_keras reads these from each callback, even if it is not derived from its own class.
    _implements_train_batch_hooks = _implements_test_batch_hooks = _implements_predict_batch_hooks = _has_batch_hooks
    _supports_tf_logs = True

    def __reduce__(self) -> Any:
        """Makes a new Doctor: patches can't be copied."""
        return _made, (self.show,)


class _OnlyWith(observed.Pass):
    """Observes only fits with a certain callback."""

    def __init__(self, doctor: weakref.ref[Doctor]) -> None:
        super().__init__()
        self._doctor = doctor

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        doctor = self._doctor()
        if (
            self.to is not None
            or kind != "fit"
            or doctor is None
            or not _has(doctor, original, model, arguments, keywords)
        ):
            return super().unit(kind, original, model, arguments, keywords)
        observation = Observation()
        doctor._observed = True
        self.to = observation.role
        raised: BaseException | None = None
        try:
            return super().unit(kind, original, model, arguments, keywords)
        except BaseException as error:
            raised = error
            raise
        finally:
            self.to = None
            _report(doctor, observation, raised)


def _report(doctor: Doctor, observation: Observation, raised: BaseException | None) -> None:
    try:
        doctor.report = observation.end(raised)
        if doctor.show:
            observed.say(doctor.report)
    except Exception as error:  # the training goes on
        observed.say_failed(error)


def _has(doctor: Doctor, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    from fitdoctor.probe.observe.binding import bind

    try:
        callbacks = bind(original, model, arguments, keywords)["callbacks"]
        return _holds(getattr(callbacks, "callbacks", None) or callbacks, doctor)
    except Exception:  # the call itself raises, or belongs to another Keras
        return False


def _holds(callbacks: Any, doctor: Doctor) -> bool:
    """Returns whether the callback is among them, at any depth, as Keras flattens them."""
    if isinstance(callbacks, dict):
        callbacks = list(callbacks.values())
    if isinstance(callbacks, list | tuple):
        return any(_holds(each, doctor) for each in callbacks)
    return callbacks is doctor


def _made(show: bool) -> Doctor:
    return Doctor(show=show)
