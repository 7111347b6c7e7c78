"""Records which Keras, backend and devices a script trains with."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.instrument import thread_settings
from fitdoctor.probe.observe import describe
from fitdoctor.recording.model import ProcessRecord


class EnvironmentRecorder:
    """Fills the environment of a record.

    A script may import several Keras packages. The environment is that of the first fit, or of the first call until
    there is a fit.

    Args:
        record: The record that is filled.
    """

    def __init__(self, record: ProcessRecord) -> None:
        self._record = record
        self._fit_seen = self._call_seen = False

    def imported(self, keras: ModuleType) -> None:
        """Describes a Keras package that the script has just imported."""
        if not self._fit_seen:
            backends.use(keras)
            self._record.environment = describe.environment(keras)

    def note_call(self, model: Any, *, is_fit: bool) -> None:
        """Takes the backend of the model from now on, and describes it if this call decides the environment."""
        keras = backends.keras_of(model)
        backends.use(keras)
        if self._fit_seen or self._call_seen and not is_fit:
            return
        self._fit_seen, self._call_seen = is_fit, True
        if self._record.environment.get("backend") != backends.name_of(keras):
            self._record.environment = describe.environment(keras)

    def name_devices(self) -> None:
        """Adds the devices once the backend knows them. Asking earlier would initialize them before the script does."""
        if "devices" not in self._record.environment and (devices := backends.current().devices()) is not None:
            self._record.environment["devices"] = devices
            self._record.threads = thread_settings.settings()  # TensorFlow fixes them together with the devices
            self._record.environment["quota_cores"] = thread_settings.quota_cores()
