"""Seams that stand for the length of a block, or of an object's life, in a process that lives on."""

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
from fitdoctor.probe.instrument import install as seams
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
    why = seams.declined(used)
    if why:
        raise FitdoctorError(why)


def install(role: Any) -> Undo:
    """Puts a role before all that it decides about or is told of; the result takes everything out again."""
    tensorflow = backends.loaded("tensorflow")
    installed: list[Patches] = []
    try:
        for each in filter(None, (keras, backends.loaded(backends.LEGACY))):
            installed.append(seams.install(each, role, whole_process=False))
            installed.append(saving.install(each))
        if tensorflow is not None:
            installed.append(watch_eager_switch(tensorflow))
            installed.append(debug_switches.install(tensorflow))
        installed += _where_known(
            tf_tracing, "tensorflow.python.eager.polymorphic_function.tracing_compilation", role.traced
        )
        installed += _where_known(python_ops, "tensorflow.python.ops.script_ops", role.python_operation)
    except BaseException:
        _undone(installed)
        raise
    return lambda: _undone(installed)


def record_recipes() -> Undo:
    """Records how tf.data pipelines are made, so that they can be made again with changes, until the result ends that."""
    operations = sys.modules.get("tensorflow.python.data.ops.dataset_ops")
    if operations is None:
        return lambda: None
    return tfdata_recipes.install(operations, sys.modules.get("tensorflow.python.data.ops.readers")).undo


@contextlib.contextmanager
def standing(*undos: Undo) -> Iterator[None]:
    """Takes seams out again behind a block, the last ones first."""
    try:
        yield
    finally:
        for undo in reversed(undos):
            undo()


def _where_known(module: Any, name: str, told: Any) -> list[Patches]:
    """Seams in TensorFlow's own modules: another version may not have them, and then that much is not learned."""
    target = sys.modules.get(name)
    try:
        return [module.install(target, told)] if target is not None else []
    except (AttributeError, KeyError):
        return []


def _undone(installed: list[Patches]) -> None:
    for patches in reversed(installed):
        patches.undo()
