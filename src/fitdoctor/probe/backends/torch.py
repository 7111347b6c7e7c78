"""Keras 3 on PyTorch."""

from __future__ import annotations

from typing import Any

WAITS_IN_LOOP = True
"""The epoch iterator gives the batches themselves."""


def epoch_iterator() -> type:
    """What `fit` draws its steps from: it hands over the batches themselves."""
    from keras.src.backend.torch.trainer import TorchEpochIterator

    found: type = TorchEpochIterator
    return found


def version() -> str:
    """Of PyTorch."""
    import torch

    return str(torch.__version__)


def is_distributed(model: Any) -> bool:
    """Whether the model, or the process, belongs to a group of processes or devices."""
    import torch

    wrapped = type(model).__name__ in ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel")
    return wrapped or torch.distributed.is_available() and torch.distributed.is_initialized()


def devices() -> list[str] | None:
    """The accelerators that PyTorch uses, empty for a CPU; None as long as the script may still choose among several."""
    import torch

    if not torch.cuda.is_available():
        return []
    if not torch.cuda.is_initialized():
        return None
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
