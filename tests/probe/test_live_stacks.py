from __future__ import annotations

import gc
import os
import threading
import traceback
from collections.abc import Iterator

import pytest

from fitdoctor.probe import live_stacks


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


def test_a_stack_is_told_from_the_innermost_call_on(sleeper: threading.Thread) -> None:
    assert sleeper.ident is not None
    calls = live_stacks.stacks()[sleeper.ident]
    while "sleeps" not in [call.function for call in calls]:  # it has only just begun
        calls = live_stacks.stacks()[sleeper.ident]
    assert [call.function for call in calls if call.file == __file__] == ["sleeps"]
    assert next(call.line for call in calls if call.file == __file__) > 0
    assert calls[-1].function == "_bootstrap"


@pytest.mark.skipif(not live_stacks.COLLECTS_MEANWHILE, reason="this Python puts collections off by itself")
def test_nothing_is_collected_while_calls_are_looked_at(sleeper: threading.Thread) -> None:
    """A process dies of it: about one in ten trainings of some seconds did on PyTorch, once they were watched."""
    within: list[bool] = []

    def collects(phase: str, _: dict[str, int]) -> None:
        within.append(any(frame.f_code is live_stacks._calls.__code__ for frame, _ in traceback.walk_stack(None)))

    usual = gc.get_threshold()
    gc.callbacks.append(collects)
    gc.set_threshold(1)
    try:
        live_stacks.stacks()
    finally:
        gc.set_threshold(*usual)
        gc.callbacks.remove(collects)
    assert within
    assert not any(within)


@pytest.mark.parametrize("meanwhile", [True, False])
@pytest.mark.parametrize("enabled", [True, False])
def test_collections_are_as_they_were(monkeypatch: pytest.MonkeyPatch, meanwhile: bool, enabled: bool) -> None:
    monkeypatch.setattr(live_stacks, "COLLECTS_MEANWHILE", meanwhile)
    if not enabled:
        gc.disable()
    try:
        with live_stacks.collecting_nothing():
            assert gc.isenabled() == (enabled and not meanwhile)
        assert gc.isenabled() == enabled
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_is_forked_meanwhile_collects_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stacks, "COLLECTS_MEANWHILE", True)
    with live_stacks.collecting_nothing():
        child = os.fork()
        if not child:
            with live_stacks.collecting_nothing():  # nobody holds it here
                pass
            os._exit(0 if gc.isenabled() else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert not gc.isenabled()
    assert gc.isenabled()
