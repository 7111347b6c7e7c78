"""Which hooks of a callback run where in a fit, and how often."""

from __future__ import annotations

from typing import Literal

HookKind = Literal["batch", "epoch", "train", "validation", "validation batch"]

_KINDS: dict[str, HookKind] = {
    "on_batch_begin": "batch",
    "on_batch_end": "batch",
    "on_train_batch_begin": "batch",
    "on_train_batch_end": "batch",
    "on_epoch_begin": "epoch",
    "on_epoch_end": "epoch",
    "on_train_begin": "train",
    "on_train_end": "train",
    "on_test_begin": "validation",
    "on_test_end": "validation",
}

# Hooks inside a step or a validation batch. The recorded durations of those include them.
WITHIN_A_STEP: frozenset[HookKind] = frozenset({"batch", "validation batch"})

# Callbacks that Keras adds itself.
KERAS_OWN = frozenset({"History", "ProgbarLogger"})


def hook_kind(hook: str) -> HookKind:
    """Whether a hook runs in each step, at each epoch, once a training, or in validation."""
    return _KINDS.get(hook, "validation batch")
