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


def test_a_single_diagnosis_has_no_holder(name: str) -> None:
    lock = MachineLock(name)
    assert lock.holder == ""
    assert not lock.release()


def test_two_diagnoses_detect_each_other(name: str) -> None:
    first, second = MachineLock(name), MachineLock(name)
    assert second.holder.startswith(f"process {os.getpid()} (")
    assert not second.release()
    assert first.release()


def test_a_released_lock_is_free(name: str) -> None:
    MachineLock(name).release()
    assert MachineLock(name).holder == ""


def test_a_killed_holder_releases_the_lock(name: str) -> None:
    program = (
        f"from fitdoctor.process.machine_lock import MachineLock\nlock = MachineLock({name!r})\n"
        f"print('held', flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert str(holder.pid) in MachineLock(name).holder
        holder.kill()
    assert MachineLock(name).holder == ""
