"""Keras 3 on PyTorch."""

from __future__ import annotations

from typing import Any

EPOCH_ITERATOR = ("keras.src.backend.torch.trainer", "TorchEpochIterator")


def drawn_in() -> str:
    """The loop draws the batches."""
    return "loop"


def version() -> str:
    """The version of PyTorch."""
    import torch

    return str(torch.__version__)


def is_distributed(model: Any) -> bool:
    """Whether the model or the process belongs to a group of processes or devices."""
    import torch

    wrapped = type(model).__name__ in ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel")
    return wrapped or torch.distributed.is_available() and torch.distributed.is_initialized()


def devices() -> list[str] | None:
    """The accelerators of PyTorch; empty for a CPU, None as long as the script may still choose among several."""
    import torch

    if not torch.cuda.is_available():
        return []
    if not torch.cuda.is_initialized():
        return None
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
