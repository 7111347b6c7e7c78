"""Gives a shuffle that is made again the random order of the original."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def with_seeds_of(dataset: Any) -> Iterator[None]:
    """Gives each shuffle that is made meanwhile the seeds of the shuffled `dataset`, if they are known.

    Example:
        >>> with as_of(shuffled):
        ...     again = parent.shuffle(1000)
    """
    if not (hasattr(dataset, "_seed") and hasattr(dataset, "_seed2")):
        yield
        return
    from tensorflow.python.data.util import random_seed

    before = random_seed.get_seed
    random_seed.get_seed = lambda seed: (dataset._seed, dataset._seed2)
    try:
        yield
    finally:
        random_seed.get_seed = before
