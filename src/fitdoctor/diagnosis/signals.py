"""Which signals end a diagnosis, and when they have to wait."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM, and the SIGHUP of a terminal that is closed, end a diagnosis as Ctrl-C does: children first."""

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - signal's signature
        raise KeyboardInterrupt

    respected = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]  # nohup is
    with _handled(dict.fromkeys(respected, interrupt)):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave half of a clean-up undone."""
    with _handled(dict.fromkeys((signal.SIGINT, *ENDING), signal.SIG_IGN)):
        yield


@contextmanager
def _handled(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    before: dict[signal.Signals, Any] = {}
    try:
        for number, handler in handlers.items():
            before[number] = signal.signal(number, handler)
    except ValueError:
        pass  # not in the main thread: signals are somebody else's there
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
