"""Reserves the file descriptors of stdin, stdout and stderr in a process that was started without some of them."""

from __future__ import annotations

import os

STREAMS = (0, 1, 2)


def reserve_missing() -> None:
    """Opens the null device in place of each closed stream.

    Otherwise a file that is opened later would get the descriptor, and printed text would go into that file. Processes
    that we start do not inherit the null device: for them the stream stays closed.
    """
    for number in STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free descriptor
