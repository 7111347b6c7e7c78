"""A child's life, played by small programs in place of the launcher."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.errors import ChildEndedError
from fitdoctor.process import child as children
from fitdoctor.process.child import Child, StandardInput
from tests.support import builders as make

ANSWERING = """\
import json, os, sys
spec = json.load(open(sys.argv[1]))
commands, replies = os.fdopen(spec["commands"]), os.fdopen(spec["replies"], "w")
def send(reply):
    replies.write(json.dumps(reply) + "\\n")
    replies.flush()
"""
Start = Callable[..., Child]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    started: list[Child] = []

    def run(program: str, *, role: str = "scout", stdin: StandardInput | None = None, **spec: Any) -> Child:
        launch = tmp_path / "launch.py"
        launch.write_text(ANSWERING + program)
        monkeypatch.setattr(children, "LAUNCH", launch)
        request = make.request(tmp_path, arguments=("--epochs", "3"), python=sys.executable, budget_s=60.0)
        log = tmp_path / "log.txt"
        child = Child(
            request, role, folder=tmp_path / "child", stdin=stdin or nothing(), log=log, began_s=time.time(), **spec
        )
        started.append(child)
        return child

    yield run
    for child in started:
        if child.process.returncode is None:
            child.end()


def nothing() -> StandardInput:
    return StandardInput(io.StringIO())


def piped(data: bytes) -> StandardInput:
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    with os.fdopen(read) as stream:
        return StandardInput(stream)


def gone(process: int) -> bool:
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_the_specification_says_what_to_run(start: Start, tmp_path: Path) -> None:
    child = start("send(spec)", role="rehearsal", site={"kind": "fit", "file": "train.py", "line": 3})
    spec = child.receive(20)
    assert (spec["role"], spec["mode"], spec["target"], spec["arguments"]) == (
        "rehearsal",
        "script",
        "train.py",
        ["--epochs", "3"],
    )
    assert spec["site"] == {"kind": "fit", "file": "train.py", "line": 3}
    assert child.out == tmp_path / "child" / "rehearsal.json"
    assert Path(spec["out"]).name == child.out.name  # under a layer, the child knows the folder by another path
    assert spec["began_s"] < time.time()
    assert spec["spawned_s"] <= time.monotonic()


def test_trackers_are_offline(start: Start) -> None:
    child = start("send({name: os.environ[name] for name in ('WANDB_MODE', 'MLFLOW_TRACKING_URI')})")
    reply = child.receive(20)
    assert reply["WANDB_MODE"] == "offline"
    assert reply["MLFLOW_TRACKING_URI"].startswith("file:")


def test_a_tracker_that_takes_no_folder_is_made_to(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    reply = start("send({name: os.environ[name] for name in ('WANDB_MODE', 'MLFLOW_ALLOW_FILE_STORE')})").receive(20)
    assert reply == {"WANDB_MODE": "disabled", "MLFLOW_ALLOW_FILE_STORE": "true"}


def test_commands_are_answered_in_turn(start: Start) -> None:
    child = start("for line in commands: send({'got': json.loads(line)['do']})")
    assert [child.ask({"do": number}, 20)["got"] for number in range(3)] == [0, 1, 2]


def test_replies_that_come_together_or_in_pieces(start: Start) -> None:
    child = start(
        "import time\n"
        'replies.write(\'{"a": 1}\\n{"b":\'); replies.flush(); time.sleep(0.05)\n'
        "replies.write(' \"' + 'x' * 200_000 + '\"}\\n'); replies.flush()"
    )
    assert child.receive(20) == {"a": 1}
    assert child.receive(20) == {"b": "x" * 200_000}


def test_output_goes_to_the_log_alone(start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    child = start("print('epoch 1', flush=True); print('warning', file=sys.stderr)")
    assert child.wait(20) == 0
    child.end()
    log = (tmp_path / "log.txt").read_text()
    assert "epoch 1\nwarning\n" in log
    assert capfd.readouterr() == ("", "")


def test_a_flood_of_output_is_truncated_and_does_not_block(start: Start, tmp_path: Path) -> None:
    child = start("for _ in range(80): print('x' * 100_000)\nprint('end')")
    assert child.wait(30) == 0
    child.end()
    log = (tmp_path / "log.txt").read_bytes()
    assert len(log) < children.LOG_BYTES + 1000
    assert b"the rest is not logged" in log


def test_an_unwritable_log_does_not_block_the_child(start: Start, tmp_path: Path) -> None:
    (tmp_path / "log.txt").mkdir()
    assert start("for _ in range(80): print('x' * 100_000)").wait(30) == 0


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("sys.exit(3)", "exit code 3"),
        ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL, perhaps for lack of memory"),
        ("import signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    ],
)
def test_the_error_names_how_the_child_ended(start: Start, program: str, why: str) -> None:
    child = start(program)
    with pytest.raises(ChildEndedError, match=why):
        child.receive(20)
    with pytest.raises(ChildEndedError, match=why):
        child.send({"do": "quit"})


def test_no_answer_in_time(start: Start) -> None:
    child = start("commands.readline()")
    with pytest.raises(ChildEndedError, match="did not answer"):
        child.ask({"do": "windows"}, 0.2) if child.wait(0.0) is not None else child.receive(0.2)
    assert child.process.poll() is None


def test_everything_that_a_child_started_ends_with_it(start: Start) -> None:
    child = start(
        "import subprocess, time\n"
        "worker = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
        "send({'worker': worker.pid}); time.sleep(100)"
    )
    worker = child.receive(20)["worker"]
    child.end()
    assert child.process.returncode == -signal.SIGKILL
    assert gone(worker)


def test_a_child_exits_when_its_parent_is_gone(start: Start) -> None:
    child = start("line = commands.readline()\nsys.exit(0 if not line else 1)")
    os.close(os.dup(child._commands))
    assert child.wait(0.1) is None
    child.end()
    assert child.process.returncode is not None


def test_each_child_reads_the_same_input_from_its_beginning(start: Start) -> None:
    stdin = piped(b"resnet\n10\n")
    for _ in range(2):
        child = start("send({'read': sys.stdin.read()})", stdin=stdin)
        assert child.receive(20) == {"read": "resnet\n10\n"}
        child.end()


def test_without_a_pipe_the_input_is_empty(start: Start) -> None:
    child = start("send({'read': sys.stdin.read()})", stdin=nothing())
    assert child.receive(20) == {"read": ""}


def test_an_input_without_data_is_not_waited_for() -> None:
    read, write = os.pipe()
    try:
        with os.fdopen(read) as stream:
            assert StandardInput(stream).open() == subprocess.DEVNULL
    finally:
        os.close(write)


def test_an_input_that_stays_open_is_read_until_it_pauses() -> None:
    read, write = os.pipe()
    os.write(write, b"yes\n")
    try:
        with os.fdopen(read) as stream:
            opened = StandardInput(stream).open()
        assert not isinstance(opened, int)
        with opened:
            assert opened.read() == b"yes\n"
    finally:
        os.close(write)


def test_the_specification_is_plain_json(start: Start, tmp_path: Path) -> None:
    start("", limit_s=1.0, hard_limit_s=2.0)
    spec = json.loads((tmp_path / "child" / "scout-spec.json").read_text())
    assert (spec["limit_s"], spec["hard_limit_s"]) == (1.0, 2.0)
