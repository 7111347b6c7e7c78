"""Files of /proc and /sys that are opened once and read often, and the parsing of their numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PART_BYTES = 1 << 14
# Larger than any file that is read here. Without a bound, a strange file could fill the memory.
MOST_BYTES = 1 << 20


class KernelFile:
    """A file that stays open.

    Args:
        path: The file.

    Raises:
        OSError: It does not exist, or may not be read.
    """

    def __init__(self, path: Path | str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def line(self) -> bytes:
        """The content from one read, which is enough for a file of a few lines.

        Raises:
            OSError: Its subject is gone, e.g. the process.
        """
        return os.pread(self._descriptor, PART_BYTES, 0)

    def whole(self) -> bytes:
        """The whole content. The kernel returns a longer file page by page.

        Raises:
            OSError: Its subject is gone, e.g. the process.
        """
        parts = []
        at = 0
        while at < MOST_BYTES and (part := os.pread(self._descriptor, PART_BYTES, at)):
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def open_if_there(path: Path | str) -> KernelFile | None:
    """Opens the file. None if it can't be opened."""
    try:
        return KernelFile(path)
    except OSError:
        return None


def read_text(path: Path | str) -> str:
    """The content of a file that is read once. Empty if it can't be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def number(word: bytes | str) -> int | None:
    """Parses a whole number that is not negative. None for anything else.

    Example:
        >>> number(b"4096"), number(b"max"), number("²")
        (4096, None, None)
    """
    written = word.decode("ascii", "replace") if isinstance(word, bytes) else word
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 20 else None


def named_numbers(data: bytes) -> Iterator[tuple[bytes, int]]:
    r"""The names and numbers of a file with one pair a line, with or without a colon.

    Example:
        >>> dict(named_numbers(b"MemTotal:  16 kB\nnr_throttled 2"))
        {b'MemTotal': 16, b'nr_throttled': 2}
    """
    for line in data.splitlines():
        words = line.split(None, 2)
        if len(words) > 1 and (value := number(words[1])) is not None:
            yield words[0].rstrip(b":"), value
