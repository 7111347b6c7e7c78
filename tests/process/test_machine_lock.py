"""Two diagnoses of one machine know of each other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fitdoctor.process.machine_lock import MachineLock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")


@pytest.fixture
def name() -> str:
    return f"\0fitdoctor-test-{os.getpid()}"


def test_one_alone_is_not_disturbed(name: str) -> None:
    lock = MachineLock(name)
    assert lock.holder == ""
    assert not lock.release()


def test_the_second_is_told_who_the_first_is_and_the_first_that_there_was_a_second(name: str) -> None:
    first, second = MachineLock(name), MachineLock(name)
    assert second.holder.startswith(f"process {os.getpid()} (")
    assert not second.release()
    assert first.release()


def test_it_is_free_again_once_it_is_let_go_of(name: str) -> None:
    MachineLock(name).release()
    assert MachineLock(name).holder == ""


def test_a_holder_that_was_killed_holds_nothing(name: str) -> None:
    program = f"from fitdoctor.process.machine_lock import MachineLock\nlock = MachineLock({name!r})\nprint('held', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert str(holder.pid) in MachineLock(name).holder
        holder.kill()
    assert MachineLock(name).holder == ""
