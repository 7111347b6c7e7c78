"""Measures what Keras saves: how long that takes, and how large it is."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from fitdoctor.probe.support import guard
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.support.patches import Patches

# The functions that every way to save ends in, of Keras 3 and of tf_keras. Each gets the model and the path.
SAVING = (
    ("src.saving.saving_lib", "save_model"),
    ("src.saving.saving_lib", "save_weights_only"),
    ("src.legacy.saving.legacy_h5_format", "save_model_to_hdf5"),
    ("src.saving.legacy.hdf5_format", "save_model_to_hdf5"),
    ("src.saving.legacy.saved_model.save", "save"),
    ("src.saving.legacy.save", "save_weights"),
)


class SavingTotals:
    """Totals over all models and weights that this process has saved."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.last_bytes = 0


totals = SavingTotals()


def install(keras: ModuleType) -> Patches:
    """Counts all saving from here on. `undo()` of the result ends that."""
    import importlib

    patches = Patches()
    for module_name, name in SAVING:
        try:
            module = importlib.import_module(f"{keras.__name__}.{module_name}")
        except ImportError:  # another Keras has it elsewhere: then its saving is not counted
            continue
        if name in vars(module):
            patches.put(module, name, _counted(vars(module)[name], patches))
    return patches


def _counted(save: Any, patches: Patches) -> Any:
    def counted(*args: Any, **kwargs: Any) -> Any:
        if not patches.live:
            return save(*args, **kwargs)
        began_s = time.perf_counter()
        try:
            return save(*args, **kwargs)
        finally:
            guard.guarded(_count, (*args[1:2], kwargs.get("filepath"))[0], time.perf_counter() - began_s)

    return counted


def _count(path: Any, seconds: float) -> None:
    totals.seconds += seconds
    totals.count += 1
    totals.last_bytes = _size(path)


def _size(path: Any) -> int:
    """Returns the bytes of a file, or of all files of a folder.

    Where neither exists, it is the bytes of all files whose names begin with the path, as TensorFlow's checkpoints do.
    """
    try:
        if os.path.isfile(path):
            return os.path.getsize(path)
        if os.path.isdir(path):
            files = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        else:
            folder, begin = os.path.split(os.fsdecode(path))
            files = [os.path.join(folder, name) for name in os.listdir(folder or ".") if name.startswith(f"{begin}.")]
        return sum(os.path.getsize(file) for file in files if os.path.isfile(file))
    except (OSError, TypeError, ValueError):
        return 0
