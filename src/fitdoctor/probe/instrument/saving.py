"""Counts what Keras saves: how long it takes, and how large it is."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from fitdoctor.probe.support import guard
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.support.patches import Patches

SAVING = (
    ("src.saving.saving_lib", "save_model"),
    ("src.saving.saving_lib", "save_weights_only"),
    ("src.legacy.saving.legacy_h5_format", "save_model_to_hdf5"),
    ("src.saving.legacy.hdf5_format", "save_model_to_hdf5"),
    ("src.saving.legacy.saved_model.save", "save"),
    ("src.saving.legacy.save", "save_weights"),
)
"""What all ways to save of Keras 3, and of tf_keras, come down to. Each gets the model and the path."""


class Tally:
    """Sums over all models and weights that this process saved so far."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.last_bytes = 0


tally = Tally()


def install(keras: ModuleType) -> Patches:
    """Counts from here on, until the result undoes it."""
    import importlib

    patches = Patches()
    for module_name, name in SAVING:
        try:
            module = importlib.import_module(f"{keras.__name__}.{module_name}")
        except (
            ImportError
        ):  # another Keras keeps it elsewhere: what it saves is then not counted, and nothing else is lost
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
    tally.seconds += seconds
    tally.count += 1
    tally.last_bytes = _size(path)


def _size(path: Any) -> int:
    """Bytes of a file, of all files of a folder, or of those whose names go on behind this one, as TensorFlow's
    checkpoints do.
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
