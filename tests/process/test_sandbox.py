"""Nothing that a program started outlives it, whatever it did to get away; and it has no network where it is to have
none.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fitdoctor.process import sandbox
from fitdoctor.process.contained import Contained
from fitdoctor.process.layer import Layer, Overlay
from fitdoctor.process.messages import Request
from fitdoctor.process.mount_table import MountTable
from fitdoctor.process.sandbox import Sandbox
from tests.process.conftest import Box

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")

STAYS = {
    "a session of its own": "import subprocess\nsubprocess.Popen([{sleep}], start_new_session=True)",
    "an empty environment": "import subprocess\nsubprocess.Popen([{sleep}], start_new_session=True, env={{}})",
    "a daemon": (
        "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.closerange(0, 3)\n        os.execve('/bin/sleep', [{sleep}], {{}})\n    os._exit(0)\nos.wait()"
    ),
    "deaf to signals": (
        "import os, signal\nif os.fork() == 0:\n    os.setsid()\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    os.closerange(0, 3)\n    os.execve('/bin/sleep', [{sleep}], {{}})\nimport time\ntime.sleep(0.2)"
    ),
    "a shell's background": "import os\nos.system('nohup setsid sleep {seconds} >/dev/null 2>&1 &')",
}


def running(seconds: int) -> list[str]:
    """Processes that sleep for just so long."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", str(seconds).encode()]:
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize("layered", [True, False], ids=["in a layer", "without"])
@pytest.mark.parametrize("way", STAYS)
def test_nothing_is_left_running(box: Box, way: str, layered: bool) -> None:
    seconds = 100_000 + os.getpid() % 10_000
    done = box.run(STAYS[way].format(sleep=f"'sleep', '{seconds}'", seconds=seconds), layered=layered)
    assert done.code == 0, done.out
    assert running(seconds) == []
    assert any(f"sleep {seconds}" in line for line in done.left_running)


def test_a_helper_that_exits_on_its_own_is_not_reported(box: Box) -> None:
    assert box.run("import subprocess\nsubprocess.Popen(['sleep', '0.05'])").left_running == []


def test_offline_cuts_the_network(box: Box) -> None:
    done = box.run(
        "import socket\n"
        "s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); print('itself')\n"
        "try: socket.create_connection(('192.0.2.1', 80), timeout=5)\n"
        "except OSError as error: print(error.strerror)\n",
        offline=True,
    )
    assert done.network_namespace
    assert done.notes["network_namespace"]
    assert done.out.split("\n")[:2] == ["itself", "Network is unreachable"]


def test_offline_works_without_a_layer(box: Box) -> None:
    done = box.run("open('new.txt', 'w').write('x')", offline=True, layered=False)
    assert (done.network_namespace, done.layered, box.files()) == (True, False, {"new.txt": "x"})


def test_files_in_memory_have_a_size_limit(box: Box) -> None:
    done = box.run(
        "import os\nlimit = os.statvfs('/dev/shm'); free = limit.f_bavail * limit.f_frsize\n"
        "try:\n    with open('/dev/shm/x', 'wb') as file: os.posix_fallocate(file.fileno(), 0, free + (1 << 20))\n"
        "except OSError as error: print(error.strerror)\n"
    )
    assert done.out.strip() == "No space left on device"


@pytest.mark.parametrize(
    ("written_mb", "free_mb", "full"),
    [
        (10, 9_990, False),
        (6_000, 4_000, True),
        (6_000, 9_900, False),
        (10, 4_000, False),
        (900, 900, True),
        (10, 900, False),
    ],
    ids=[
        "little",
        "half of what was free",
        "packed",
        "half of it, and others the rest",
        "the disk is full",
        "full, not by it",
    ],
)
def test_when_a_layer_is_full(monkeypatch: pytest.MonkeyPatch, written_mb: int, free_mb: int, full: bool) -> None:
    over = Overlay(path="/home", lower="/home", upper="/upper")
    found = Layer(disk="/disk", memory="", memory_bytes=0, user_namespace=False, table=MountTable(""), overlays=[over])
    request = Request(
        command=[],
        environment={},
        layered=True,
        offline=False,
        real="",
        bases=[],
        places=[],
        temporary=[],
        caches=[],
        kept="",
        notes="",
    )
    box = Sandbox(request, 1, 0, layer=found, free_bytes=10_000 << 20)
    monkeypatch.setattr(sandbox, "_free_bytes", lambda _: free_mb << 20)
    monkeypatch.setattr(sandbox, "_size", lambda _: written_mb << 20)
    assert box.is_full() == full


def test_killing_the_sandbox_ends_all_of_its_processes(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "child"
    folder.mkdir(parents=True)
    notes = folder / "notes.json"
    notes.write_text("{}")
    contained = Contained(
        [
            sys.executable,
            "-c",
            STAYS["an empty environment"].format(sleep="'sleep', '90001'") + "\nimport time\ntime.sleep(1000)",
        ],
        environment=dict(os.environ),
        folder=folder,
        notes=notes,
        layered=True,
        offline=False,
        places=[tmp_path],
        temporary=[],
        caches=[],
        kept=folder.with_name("kept"),
        stdin=subprocess.DEVNULL,
        descriptors=(),
    )
    until_s = time.monotonic() + 20
    while not running(90001) and time.monotonic() < until_s:
        time.sleep(0.02)
    contained.end()
    assert running(90001) == []
    assert contained.process.returncode == -9
    assert sorted(path.name for path in folder.parent.iterdir()) == ["child", "kept"]
