from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from fitdoctor.probe.support import thread_stacks


@pytest.fixture
def sleeper() -> Iterator[threading.Thread]:
    awake = threading.Event()

    def sleeps() -> None:
        awake.wait()

    thread = threading.Thread(target=sleeps)
    thread.start()
    yield thread
    awake.set()
    thread.join()


def test_a_stack_begins_with_the_innermost_call(sleeper: threading.Thread) -> None:
    assert sleeper.ident is not None
    calls = thread_stacks.stacks()[sleeper.ident]
    while "sleeps" not in [call.function for call in calls]:  # it has only just begun
        calls = thread_stacks.stacks()[sleeper.ident]
    assert [call.function for call in calls if call.file == __file__] == ["sleeps"]
    assert next(call.line for call in calls if call.file == __file__) > 0
    assert calls[-1].function == "_bootstrap"


def test_no_garbage_is_collected_while_stacks_are_read(sleeper: threading.Thread) -> None:
    """A process dies of it: about one in ten trainings of some seconds did on PyTorch, once they were watched."""
    within: list[bool] = []

    def collects(phase: str, _: dict[str, int]) -> None:
        within.append(any(frame.f_code is thread_stacks._at_once.__code__ for frame, _ in traceback.walk_stack(None)))

    def counts_deeper(more: int) -> int:
        if more:
            return counts_deeper(more - 1)
        gc.callbacks.append(collects)
        gc.set_threshold(1)
        try:
            return len(thread_stacks.stacks()[threading.get_ident()])
        finally:
            gc.set_threshold(*usual)
            gc.callbacks.remove(collects)

    usual = gc.get_threshold()
    assert counts_deeper(50) > 50
    assert within
    if thread_stacks.COLLECTS_MEANWHILE:
        assert (
            within.count(True) <= 2 * 3
        )  # before the thresholds are read, and behind the calls: none of their objects is made then


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("thresholds", [(700, 10, 10), (5, 0, 3), (0, 1, 2)])
def test_the_collector_is_restored(
    monkeypatch: pytest.MonkeyPatch, enabled: bool, thresholds: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(thread_stacks, "COLLECTS_MEANWHILE", True)
    usual = gc.get_threshold()
    if not enabled:
        gc.disable()
    gc.set_threshold(*thresholds)
    try:
        thread_stacks.stacks()
        assert (gc.get_threshold(), gc.isenabled()) == (thresholds, enabled)
        thread_stacks.innermost(threading.get_ident())
        assert (gc.get_threshold(), gc.isenabled()) == (thresholds, enabled)
    finally:
        gc.set_threshold(*usual)
        gc.enable()


def test_the_collector_is_restored_when_reading_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Any:
        assert gc.get_threshold()[0] == 0
        raise MemoryError

    monkeypatch.setattr(thread_stacks, "COLLECTS_MEANWHILE", True)
    monkeypatch.setattr(thread_stacks, "_current", fails)
    usual = gc.get_threshold()
    with pytest.raises(MemoryError):
        thread_stacks.stacks()
    assert gc.get_threshold() == usual


def test_another_thread_never_finds_the_collector_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks and switches as often as it can, while stacks are read as often as they can."""
    monkeypatch.setattr(thread_stacks, "COLLECTS_MEANWHILE", True)
    ended, wrong = threading.Event(), []

    def looks() -> None:
        while not ended.is_set():
            gc.disable()
            if gc.isenabled() or gc.get_threshold() != usual:
                wrong.append("in a part without collections")
            gc.enable()
            if not gc.isenabled() or gc.get_threshold() != usual:
                wrong.append("elsewhere")

    usual, switch_s = gc.get_threshold(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=looks)
    thread.start()
    try:
        for _ in range(2000):
            thread_stacks.stacks()
    finally:
        sys.setswitchinterval(switch_s)
        ended.set()
        thread.join()
    assert wrong == []


def test_variables_of_a_thread_are_freed_with_their_call(sleeper: threading.Thread) -> None:
    """No object of a call outlives the reading: else its variables would end later, and on a thread of ours."""
    ended_on: list[int] = []

    class Held:
        def __del__(self) -> None:
            ended_on.append(threading.get_ident())

    going_on = threading.Event()

    def holds() -> None:
        held = Held()
        going_on.wait()
        assert held

    thread = threading.Thread(target=holds)
    thread.start()
    assert thread.ident is not None
    while "holds" not in [call.function for call in thread_stacks.stacks().get(thread.ident, [])]:
        pass
    stacks = thread_stacks.stacks()
    going_on.set()
    thread.join()
    assert stacks
    assert ended_on == [thread.ident]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_collects_garbage_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where an audit hook lets another thread run meanwhile."""
    children: list[int] = []

    def forks() -> Any:
        children.append(os.fork())
        if not children[0]:
            healthy = gc.get_threshold() == usual and thread_stacks._collector.alone.acquire(timeout=1)
            os._exit(0 if healthy else 1)
        return sys._current_frames()

    monkeypatch.setattr(thread_stacks, "COLLECTS_MEANWHILE", True)
    usual = gc.get_threshold()
    monkeypatch.setattr(thread_stacks, "_current", forks)
    thread_stacks.stacks()
    assert os.waitpid(children[0], 0)[1] == 0
    assert gc.get_threshold() == usual


def test_the_callers_of_a_frame_are_available(sleeper: threading.Thread) -> None:
    assert sleeper.ident is not None
    frame = thread_stacks.innermost(sleeper.ident)
    functions = [each.f_code.co_name for each, _ in traceback.walk_stack(frame)]
    assert functions[-1] == "_bootstrap"
    assert thread_stacks.innermost(-1) is None
