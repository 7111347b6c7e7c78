"""Failures of ours are reported in the record. Errors of a signal handler reach the script."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from fitdoctor.probe.support import guard
from fitdoctor.probe.support.call_sites import of_code


class Record:
    def __init__(self) -> None:
        self.limits: list[str] = []

    def missing(self, why: str) -> None:
        self.limits.append(why)


class Deaf:
    def missing(self, why: str) -> None:
        raise RuntimeError("deaf")


class TooLongError(Exception):
    pass


@pytest.fixture
def record() -> Record:
    made = Record()
    guard.report_to(made)
    return made


@pytest.fixture
def handled() -> Iterator[Any]:
    before = signal.getsignal(signal.SIGUSR1)
    yield functools.partial(signal.signal, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_a_success_returns_its_result(record: Record) -> None:
    assert guard.guarded(max, 2, 3) == 3
    assert record.limits == []


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("ours"), MemoryError(), OSError(28, "No space left on device"), StopIteration()]
)
def test_a_failure_returns_none_and_is_reported(record: Record, error: Exception) -> None:
    def fail() -> None:
        raise error

    assert guard.guarded(fail) is None
    (why,) = record.limits
    assert why.startswith("Something is missing here, by a failure of fitdoctor at probe/support/guard.py:")
    assert type(error).__name__ in why


def test_a_failure_has_our_line(record: Record) -> None:
    assert guard.guarded(of_code, object()) is None  # type: ignore[arg-type]
    assert "at probe/support/call_sites.py:" in record.limits[0]


def test_an_error_without_a_text(record: Record) -> None:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise TypeError

    def fail() -> None:
        raise Mute

    assert guard.guarded(fail) is None
    assert ": Mute. The training" in record.limits[0]


def test_stderr_is_the_last_resort(capsys: pytest.CaptureFixture[str]) -> None:
    deaf = Deaf()
    guard.report_to(deaf)
    assert guard.guarded(lambda: 1 / 0) is None
    assert capsys.readouterr().err == "fitdoctor: RuntimeError: deaf\n"


def test_an_interrupt_reaches_the_script(record: Record) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guard.guarded(interrupted)
    assert record.limits == []


class Handler:
    def method(self, number: int, frame: Any) -> None:
        raise TooLongError

    def __call__(self, number: int, frame: Any) -> None:
        self.method(number, frame)


@pytest.mark.parametrize(
    "handler", [Handler().method, Handler(), functools.partial(Handler.method, None), lambda *_: Handler().method(*_)]
)
def test_an_error_of_a_signal_handler_reaches_the_script(record: Record, handled: Any, handler: Any) -> None:
    handled(handler)
    with pytest.raises(TooLongError):
        guard.guarded(os.kill, os.getpid(), signal.SIGUSR1)
    assert record.limits == []
