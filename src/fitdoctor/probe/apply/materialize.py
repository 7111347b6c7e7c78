"""Runs a Python input once and keeps its elements as arrays, if it gives the same elements each time."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

# Of the free memory. The model, the framework and the machine need the other part.
MEMORY_SHARE = 0.25
# Elements of a second pass that must equal those of the first bit for bit.
CHECKED = 64
# Batches after a supposed period that must equal the first ones.
PERIOD_CHECKS = 4


class NotRepeatingError(ValueError):
    """The input can't be replaced by arrays; the message says why, for the report."""


def free_bytes() -> int:
    """Memory that may be filled without swapping; a cautious constant if the system does not report it."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 2 << 30


def digest(arrays: Iterable[Any]) -> bytes:
    """A hash of arrays with their shapes and types."""
    state = hashlib.blake2b(digest_size=16)
    for array in arrays:
        value = np.asarray(array)
        state.update(f"{value.dtype}{value.shape}".encode())
        state.update(np.ascontiguousarray(value).tobytes() if value.dtype != object else repr(value.tolist()).encode())
    return state.digest()


def size(array: Any) -> int:
    """Bytes of an array, including its strings."""
    value = np.asarray(array)
    return (
        int(value.nbytes)
        if value.dtype != object
        else sum(len(part) for part in value.ravel() if isinstance(part, (bytes, str)))
    )


def elements(
    make: Callable[[], Iterable[Any]], flatten: Callable[[Any], list[Any]], dtypes: list[Any], limit_s: float
) -> list[Any]:
    """Runs `make()` to its end and stacks its elements to one array for each component.

    Args:
        make: Makes a new generator.
        flatten: An element as a list of components.
        dtypes: The type of each component.
        limit_s: Seconds after which it gives up.

    Raises:
        NotRepeatingError: The input has no end, gives other elements in a second pass, varies in shape, or exceeds the
            memory.
    """
    began_s = time.perf_counter()
    most = free_bytes() * MEMORY_SHARE
    columns: list[list[Any]] = [[] for _ in dtypes]
    held = 0
    for element in make():
        for column, part, dtype in zip(columns, flatten(element), dtypes, strict=True):
            value = np.asarray(part, dtype=dtype)
            held += value.nbytes
            column.append(value)
        if time.perf_counter() - began_s > limit_s:
            raise NotRepeatingError(f"one pass takes longer than the {limit_s:.0f} s that there were for it")
        if held > most:
            raise NotRepeatingError(
                f"its elements need more than a quarter of the free memory ({held / 1e9:.1f} GB so far)"
            )
    if not columns or not columns[0]:
        raise NotRepeatingError("it gave no elements when it was run again")
    _check_second_pass(make, flatten, dtypes, columns)
    try:
        return [np.stack(column) for column in columns]
    except ValueError:
        raise NotRepeatingError("its elements differ in shape") from None


def _check_second_pass(make: Any, flatten: Any, dtypes: list[Any], columns: list[list[Any]]) -> None:
    first = [digest(parts) for parts in itertools.islice(zip(*columns, strict=True), CHECKED)]
    second = [
        digest(np.asarray(part, dtype=dtype) for part, dtype in zip(flatten(element), dtypes, strict=True))
        for element in itertools.islice(make(), CHECKED)
    ]
    if first != second:
        raise NotRepeatingError("it gives other elements each time it is run, so they can't be kept")


def _repeats(batches: Iterator[Any], flatten: Callable[[Any], list[Any]], hashes: list[bytes], length: int) -> bool:
    """Whether the next batches follow the supposed period. The batches that it reads are lost to the search."""
    return all(
        digest(flatten(batch)) == hashes[(PERIOD_CHECKS + count) % length]
        for count, batch in enumerate(itertools.islice(batches, CHECKED))
    )


def period(batches: Iterator[Any], flatten: Callable[[Any], list[Any]], *, most: int, limit_s: float) -> list[Any]:
    """Draws from an endless generator until its batches repeat, and returns the batches of one period.

    Args:
        batches: The generator.
        flatten: A batch as a list of arrays.
        most: Batches after which it gives up.
        limit_s: Seconds after which it gives up.

    Raises:
        NotRepeatingError: The generator ended, never repeated, or took too long or too much memory.
    """
    began_s, largest = time.perf_counter(), free_bytes() * MEMORY_SHARE
    kept: list[Any] = []
    hashes: list[bytes] = []
    held = 0
    for batch in batches:
        parts = flatten(batch)
        hashes.append(digest(parts))
        length = len(hashes) - PERIOD_CHECKS
        if length > 0 and hashes[length:] == hashes[:PERIOD_CHECKS] and _repeats(batches, flatten, hashes, length):
            return kept[:length]
        kept.append(batch)
        held += sum(np.asarray(part).nbytes for part in parts)
        if held > largest:
            raise NotRepeatingError("one pass needs more than a quarter of the free memory")
        if len(hashes) > most + PERIOD_CHECKS:
            raise NotRepeatingError(
                f"none of its first {most} batches came again: it shuffles, augments, or reads more than an epoch"
            )
        if time.perf_counter() - began_s > limit_s:
            raise NotRepeatingError(f"one pass takes longer than the {limit_s:.0f} s that there were for it")
    raise NotRepeatingError("it can be read only once")
