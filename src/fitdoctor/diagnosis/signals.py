"""The signals that end a diagnosis, and the moments when they must wait."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TERMINATION_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Makes SIGTERM, and the SIGHUP of a closed terminal, end a diagnosis as Ctrl-C does: children first."""

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - signal's signature
        raise KeyboardInterrupt

    # nohup ignores SIGHUP, and that is respected.
    handled = [number for number in TERMINATION_SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    with _handlers(dict.fromkeys(handled, interrupt)):
        yield


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Ignores further signals, so that a second Ctrl-C can't interrupt the clean-up."""
    with _handlers(dict.fromkeys((signal.SIGINT, *TERMINATION_SIGNALS), signal.SIG_IGN)):
        yield


@contextmanager
def _handlers(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    before: dict[signal.Signals, Any] = {}
    try:
        for number, handler in handlers.items():
            before[number] = signal.signal(number, handler)
    except ValueError:
        pass  # Python allows handlers in the main thread only.
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
