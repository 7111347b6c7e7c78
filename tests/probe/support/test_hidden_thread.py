"""Scripts that list threads, wait for them, replace modules or get signals do not notice our threads."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.probe.sampling.main_thread_sampler import MainThreadSampler, own_work
from fitdoctor.probe.support.hidden_thread import HiddenThread
from tests.support.projects import Project

LISTS = """\
import threading
def done():
    names = sorted(thread.name for thread in threading.enumerate())
    print(names, threading.active_count(), len(threading._active))
threading.Thread(target=done, name="mine").start()
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
while threading.active_count() > 1:
    pass
done()
"""
REPLACES = """\
import builtins, io, json, os, signal, threading, time, _thread
def refuse(*arguments, **keywords):
    raise AssertionError("called in the script's name")
kept = time.sleep, time.process_time, time.thread_time
for module, names in {
    time: ("sleep", "perf_counter", "monotonic", "time"),
    threading: ("Thread", "Timer", "Event", "Lock", "RLock", "get_ident", "current_thread"),
    _thread: ("start_new_thread", "allocate_lock", "get_ident"),
    os: ("open", "write", "close", "replace", "rename", "getpid"),
    signal: ("pthread_sigmask", "sigwait"),
    json: ("dumps", "dump"),
    json.JSONEncoder: ("encode", "iterencode", "default"),
    builtins: ("open",),
    io: ("open",),
}.items():
    for name in names:
        setattr(module, name, refuse)
kept[0](2.5)
print("%.1f" % max(0, kept[1]() - kept[2]() - 0.2))
"""
BLOCKS = """\
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {number})
for turn in range(50):
    for number in sorted({number}):
        os.kill(os.getpid(), number)
        assert signal.sigtimedwait({number}, 1) is not None
print("all came")
"""
WAITS_IN_A_THREAD = """\
import os, signal, threading
numbers = {signal.SIGUSR1, signal.SIGALRM}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
got = []
thread = threading.Thread(target=lambda: got.extend(signal.sigwait(numbers) for _ in range(2)))
thread.start()
os.kill(os.getpid(), signal.SIGUSR1)
signal.setitimer(signal.ITIMER_REAL, 0.1)
thread.join()
print(sorted(got))
"""
FORKS = """\
import os, sys, threading, time
if os.fork() == 0:
    sys.exit(threading.active_count() + 4)
print(os.waitstatus_to_exitcode(os.wait()[1]))
time.sleep(0.2)
"""


@pytest.mark.parametrize("role", ["watch", "treat"])
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(LISTS, id="lists its threads"),
        pytest.param(REPLACES, id="replaces what threads need"),
        pytest.param(BLOCKS.replace("{number}", "{signal.SIGUSR1}"), id="asks for a signal"),
        pytest.param(BLOCKS.replace("{number}", "{signal.SIGTERM, signal.SIGRTMIN + 3}"), id="asks for two signals"),
        pytest.param(WAITS_IN_A_THREAD, id="waits for signals in a thread"),
        pytest.param(FORKS, id="forks"),
    ],
)
def test_a_script_runs_as_without_us(user: Project, role: str, script: str) -> None:
    user.write(train=script)
    alone = user.python("train.py")
    beside = user.launch("train.py", role=role, treatments=[], process_changes=[])
    assert (beside.returncode, beside.stdout, beside.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert alone.returncode == 0
    assert user.record().ending.how == "finished"


@pytest.mark.parametrize("role", ["scout", "watch", "treat"])
@pytest.mark.parametrize("leaves", ["sys.exit(0)", "raise ValueError", "os._exit(0)"])
def test_a_forked_helper_does_not_end_the_record(user: Project, role: str, leaves: str) -> None:
    user.write(
        train=f"""\
import json, os, sys, time
if os.fork() == 0:
    {leaves}
os.wait()
print(json.load(open({str(user.ours / "record.json")!r}))["ending"]["how"])
"""
    )
    done = user.launch("train.py", role=role, treatments=[], process_changes=[])
    assert done.stdout == "unfinished\n"
    assert user.record().ending.how == "finished"


def test_a_thread_blocks_all_signals_and_its_starter_none() -> None:
    masks: list[set[Any]] = []
    thread = HiddenThread(lambda: masks.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))))
    assert thread.start()
    assert thread.stop(10)
    assert masks[0] >= signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_the_mask_is_restored_when_a_handler_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    class ToldError(Exception):
        pass

    def handler(*_: Any) -> None:
        raise ToldError

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for _ in range(200):
            thread = HiddenThread(lambda: None)
            os.kill(os.getpid(), 0)
            try:
                signal.raise_signal(signal.SIGUSR1)
                thread.start()
            except ToldError:
                pass
            assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_thread_that_is_asked_to_end_stops_waiting() -> None:
    turns: list[bool] = []
    thread = HiddenThread(lambda: turns.append(thread.wait(60)))
    thread.start()
    assert thread.ident not in {each.ident for each in threading.enumerate()}
    assert thread.stop(10)
    assert thread.stop(10)
    assert turns == [True]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_an_error_in_a_thread_is_not_printed(error: BaseException, capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise error

    thread = HiddenThread(fail)
    thread.start()
    assert thread.stop(10)
    assert capfd.readouterr() == ("", "")


def test_a_system_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("fitdoctor.probe.support.hidden_thread._thread.start_new_thread", refuse)
    assert not HiddenThread(print).start()
    lines = MainThreadSampler("start", own_work)
    lines.start()
    assert lines.stop() == []
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_forked_process_does_not_wait_for_the_parents_thread() -> None:
    thread = HiddenThread(lambda: thread.wait(60))
    thread.start()
    child = os.fork()
    if not child:
        os._exit(0 if thread.stop(60) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert thread.stop(10)


def test_no_module_of_the_probe_uses_modules_that_a_script_may_replace() -> None:
    """All of it takes clocks and threads from where they are kept."""
    probe = Path(sys.modules[HiddenThread.__module__].__file__ or "").parent
    taken = {
        f"{path.name}: {line}"
        for path in probe.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import time", "import threading", "from threading", "from time"))
    }
    assert taken <= {"originals.py: import threading", "originals.py: import time"}
