"""Patches Keras for the length of a block, or of an object's life, in a process that goes on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import keras

from fitdoctor.errors import FitdoctorError
from fitdoctor.probe import backends
from fitdoctor.probe.backends.tensorflow import watch_eager_switch
from fitdoctor.probe.inputs import tfdata_recipes
from fitdoctor.probe.instrument import install as keras_patches
from fitdoctor.probe.instrument import python_ops, saving, tf_tracing
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.trainer import debug_switches

Undo = Callable[[], None]


def check_supported(used: ModuleType = keras) -> None:
    """Refuses a Keras that can't be observed.

    Args:
        used: The module.

    Raises:
        FitdoctorError: The message says which one is expected.
    """
    why = keras_patches.declined(used)
    if why:
        raise FitdoctorError(why)


def install(role: Any) -> Undo:
    """Patches all that a role decides about or records. The result restores everything."""
    tensorflow = backends.loaded("tensorflow")
    installed: list[Patches] = []
    try:
        for each in filter(None, (keras, backends.loaded(backends.LEGACY))):
            installed.append(keras_patches.install(each, role, whole_process=False))
            installed.append(saving.install(each))
        if tensorflow is not None:
            installed.append(watch_eager_switch(tensorflow))
            installed.append(debug_switches.install(tensorflow))
        installed += _install_if_known(
            tf_tracing, "tensorflow.python.eager.polymorphic_function.tracing_compilation", role.traced
        )
        installed += _install_if_known(python_ops, "tensorflow.python.ops.script_ops", role.python_operation)
    except BaseException:
        _undo(installed)
        raise
    return lambda: _undo(installed)


def record_recipes() -> Undo:
    """Records how tf.data pipelines are made, so that they can be made again with changes.

    The result ends that.
    """
    operations = sys.modules.get("tensorflow.python.data.ops.dataset_ops")
    if operations is None:
        return lambda: None
    return tfdata_recipes.install(operations, sys.modules.get("tensorflow.python.data.ops.readers")).undo


@contextlib.contextmanager
def undone_after(*undos: Undo) -> Iterator[None]:
    """Undoes patches after a block, the last ones first."""
    try:
        yield
    finally:
        for undo in reversed(undos):
            undo()


def _install_if_known(module: Any, name: str, report: Any) -> list[Patches]:
    """Patches a module of TensorFlow. Another version may lack the patch point, and then nothing is recorded there."""
    target = sys.modules.get(name)
    try:
        return [module.install(target, report)] if target is not None else []
    except (AttributeError, KeyError):
        return []


def _undo(installed: list[Patches]) -> None:
    for patches in reversed(installed):
        patches.undo()
