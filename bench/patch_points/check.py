"""Prints, as JSON, the patch points of the imported Keras with their signatures, and what its epoch iterator yields.

Run by `bench/patch_points/` and by `tests/e2e/test_seams.py`, each time in a process of its own:

    $ KERAS_BACKEND=jax python -m bench.patch_points.check
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import keras
import numpy as np

from fitdoctor.probe import backends
from fitdoctor.probe.instrument import patch_points

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


def main() -> int:
    """Prints what there is."""
    found = [place for place in patch_points.patch_points(keras) if place.found]
    print(
        json.dumps(
            {
                "keras": keras.__version__,
                "backend": keras.config.backend(),
                "stack": f"{BACKENDS[keras.config.backend()]} {backends.current().version()}",
                "seams": {place.name: f"{_owner(place.owner, place.name)}{_signature(place)}" for place in found},
                "missing": [place.missing for place in patch_points.patch_points(keras) if not place.found],
                "yields": _yields(next(place.owner for place in found if place.kind in ("advance", "steps"))),
            }
        )
    )
    return 0


def _owner(cls: Any, name: str) -> str:
    """The class that defines it, where that is not the one that is asked."""
    return str(next(base.__name__ for base in cls.__mro__ if name in vars(base)))


def _signature(place: patch_points.PatchPoint) -> str:
    return "(" + ", ".join(inspect.signature(getattr(place.owner, place.name)).parameters) + ")"


def _yields(cls: Any) -> str:
    """The shape of one step that the loop gets."""
    strategy = {}
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        strategy = {"distribute_strategy": tf.distribute.get_strategy()}
    iterator = cls(x=np.zeros((4, 1), "float32"), batch_size=2, **strategy)
    item = next(iter(iterator.enumerate_epoch()))
    held = "batches" if isinstance(item[-1], list) else "an iterator"
    return f"{len(item) - 1} number{'s' * (len(item) > 2)}, then {held}"


if __name__ == "__main__":
    sys.exit(main())
