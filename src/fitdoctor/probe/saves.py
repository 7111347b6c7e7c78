"""Counts what Keras saves: how long it takes, and how large it is."""

from __future__ import annotations

import functools
import os
import time
from types import ModuleType
from typing import Any

from fitdoctor.probe import failures
from fitdoctor.probe.patches import Patches

SAVING = (
    ("keras.src.saving.saving_lib", "save_model"),
    ("keras.src.saving.saving_lib", "save_weights_only"),
    ("keras.src.legacy.saving.legacy_h5_format", "save_model_to_hdf5"),
)
"""What all of Keras' ways to save come down to. Each gets the model and the path."""


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
            module = importlib.import_module(module_name)
        except ImportError:  # another Keras keeps it elsewhere: what it saves is then not counted, and nothing else is lost
            continue
        if name in vars(module):
            patches.put(module, name, _counted(vars(module)[name], patches))
    return patches


def _counted(save: Any, patches: Patches) -> Any:
    @functools.wraps(save)
    def counted(model: Any, filepath: Any, *arguments: Any, **keywords: Any) -> Any:
        if not patches.live:
            return save(model, filepath, *arguments, **keywords)
        began_s = time.perf_counter()
        try:
            return save(model, filepath, *arguments, **keywords)
        finally:
            failures.guarded(_count, filepath, time.perf_counter() - began_s)

    return counted


def _count(path: Any, seconds: float) -> None:
    tally.seconds += seconds
    tally.count += 1
    tally.last_bytes = _size(path)


def _size(path: Any) -> int:
    try:
        return os.path.getsize(path)
    except (OSError, TypeError, ValueError):
        return 0
