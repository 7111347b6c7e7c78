"""Keeps the numbers of stdin, stdout and stderr for streams, in a process that was started without some of them."""

from __future__ import annotations

import os

STREAMS = (0, 1, 2)


def reserve_missing() -> None:
    """Puts the null device in the place of each stream that is closed.

    A file that is opened later would get its number otherwise, and what somebody prints would come into it. What this
    process starts does not inherit the null device: there the stream is as closed as it was here.
    """
    for number in STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
