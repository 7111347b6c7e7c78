"""`fitdoctor watch` beside scripts without a framework: exit codes, signals and streams are the script's own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fitdoctor.process.signal_witness import Witness

WATCH = [sys.executable, "-m", "fitdoctor", "watch"]
SCRIPT = """\
import os, signal, sys, time
print("begun", sys.argv[1:], flush=True)
how = sys.argv[1]
if how == "exit":
    sys.exit(3)
if how == "words":
    sys.exit("no data")
if how == "error":
    raise OSError("disk")
if how == "segfault":
    os.kill(os.getpid(), signal.SIGSEGV)
if how == "leave":
    os._exit(7)
if how == "read":
    print(sys.stdin.read())
if how == "handle":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
    signal.signal(signal.SIGUSR1, lambda *_: print("usr1", flush=True))
if how in ("handle", "wait"):
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return "train.py"


def started(*command: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while process.stdout.readline() != "ready\n":
        pass
    return process


@pytest.mark.parametrize("how", ["end", "exit", "words", "error", "segfault", "leave", "read", "--help"])
def test_it_ends_and_prints_as_the_script_does_alone(script: str, how: str) -> None:
    plain, watched = (
        subprocess.run([*command, script, how], check=False, capture_output=True, text=True, input="two\nlines\n")
        for command in ([sys.executable], WATCH)
    )
    assert (watched.returncode, watched.stdout) == (plain.returncode, plain.stdout)
    assert watched.stderr.startswith(plain.stderr)
    assert "fitdoctor: No step of a fit was recorded, so there is nothing to report.\n" in watched.stderr


@pytest.mark.parametrize("how", ["end", "exit", "error", "leave"])
def test_pythoninspect_is_the_scripts_alone(script: str, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("PYTHONINSPECT", "1")
    plain, watched = (
        subprocess.run([*command, script, how], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        for command in ([sys.executable], WATCH)
    )
    assert (watched.returncode, watched.stdout) == (plain.returncode, plain.stdout)
    assert watched.stderr.startswith(plain.stderr)
    assert watched.stderr.count("Traceback") == plain.stderr.count("Traceback")


def test_signals_reach_the_script(script: str) -> None:
    process = started(*WATCH, script, "handle")
    process.send_signal(signal.SIGUSR1)
    assert process.stdout is not None
    assert process.stdout.readline() == "usr1\n"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_it_dies_of_the_same_signal_as_the_script(script: str, number: signal.Signals) -> None:
    process = started(*WATCH, script, "wait")
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == -number
    assert "nothing to report" in errors


def test_a_ctrl_c_at_a_terminal_comes_once(script: str) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(WATCH[0], [*WATCH, script, "wait"])
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
    assert shown.count(b"KeyboardInterrupt") == 1
    assert b"nothing to report" in shown


def test_the_script_outlives_a_supervisor_that_is_killed(script: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import time\nprint('ready', flush=True)\ntime.sleep(1)\nopen('done', 'w').close()"
    )
    process = started(*WATCH, script)
    process.kill()
    process.wait()
    until = time.monotonic() + 20
    while not (tmp_path / "done").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert (tmp_path / "done").exists()


def test_without_a_place_to_record_the_training_still_runs(script: str, tmp_path: Path) -> None:
    (tmp_path / ".fitdoctor").write_text("in the way")
    nowhere = {**os.environ, "TMPDIR": "/proc/nowhere", "TEMP": "/proc/nowhere", "TMP": "/proc/nowhere"}
    done = subprocess.run([*WATCH, script, "exit"], check=False, capture_output=True, text=True, env=nowhere)
    assert done.returncode == 3
    assert done.stdout == "begun ['exit']\n"


OUT_OF = {
    "descriptors": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n",
    "file size": "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n",
}


@pytest.mark.parametrize("lacks", OUT_OF)
def test_an_unwritable_recording_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import os, sys\n" + OUT_OF[lacks] + "sys.exit(3)\n")
    done = subprocess.run([*WATCH, "train.py"], check=False, capture_output=True, text=True)
    assert done.returncode == 3
    assert "No step" not in done.stderr
    assert "The recording could not be written (" in done.stderr


def test_a_folder_is_refused_as_a_script(script: str) -> None:
    done = subprocess.run([*WATCH, "missing.py"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "does not exist" in done.stderr


COUNTS = """\
import os, signal, sys, time
got = []
def note(number, _):
    got.append(signal.Signals(number).name if number < 32 else str(number))
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, note)
print("ready", os.getpid(), flush=True)
while "SIGUSR2" not in got:
    time.sleep(0.05)
time.sleep(0.3)
print(*sorted(got), flush=True)
"""
RUN = {"alone": [sys.executable], "watched": WATCH}


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str]], subprocess.Popen[str]]]:
    """Starts a script that counts what it is sent, in a group of its own, and waits until it can."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.py").write_text(COUNTS)
    running = []

    def start(command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*command, "counts.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        return process

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("how", RUN)
@pytest.mark.parametrize(
    "name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGALRM", "SIGCONT", "SIGTSTP", "SIGWINCH", "SIGRTMIN"]
)
def test_a_signal_comes_as_often_as_it_was_sent(
    counting: Callable[[list[str]], subprocess.Popen[str]], how: str, name: str
) -> None:
    number = getattr(signal, name)
    shown = name if number < 32 else str(int(number))
    process = counting(RUN[how])
    for send in (os.kill, os.killpg, os.kill, os.killpg, os.killpg):  # to the process, or to its group
        send(process.pid, number)
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGUSR2)
    out, _ = process.communicate(timeout=60)
    assert out.split() == sorted([shown] * 5 + ["SIGUSR2"])
    assert process.returncode == 0


@pytest.mark.parametrize("how", RUN)
def test_different_signals_to_a_group_come_once_each(
    counting: Callable[[list[str]], subprocess.Popen[str]], how: str
) -> None:
    process = counting(RUN[how])
    for number in (
        signal.SIGTERM,
        signal.SIGCONT,
        signal.SIGHUP,
        signal.SIGUSR1,
    ):  # as systemd and Slurm do, without a pause
        os.killpg(process.pid, number)
    os.killpg(process.pid, signal.SIGUSR2)
    out, _ = process.communicate(timeout=60)
    assert out.split() == sorted(["SIGTERM", "SIGCONT", "SIGHUP", "SIGUSR1", "SIGUSR2"])


@pytest.mark.parametrize("how", RUN)
def test_a_signal_to_each_process_in_turn_arrives_once(
    counting: Callable[[list[str]], subprocess.Popen[str]], how: str
) -> None:
    """As what ends a container, or all processes of a name."""
    process = counting(RUN[how])
    members = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _group(path) == process.pid]
    for member in sorted(members):
        os.kill(member, signal.SIGTERM)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGUSR2)
    assert process.communicate(timeout=60)[0].split() == ["SIGTERM", "SIGUSR2"]


def _group(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except OSError:
        return 0


@pytest.mark.parametrize("how", RUN)
def test_a_script_that_signals_its_own_group_gets_that_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import os, signal, sys, time\n" + COUNTS.partition("print")[0] + SIGNALS_ITSELF)
    done = subprocess.run(
        [*RUN[how], "train.py"], check=False, stdout=subprocess.PIPE, text=True, process_group=0, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "SIGTERM SIGUSR1\n")


SIGNALS_ITSELF = """
os.killpg(0, signal.SIGTERM)
time.sleep(0.3)
os.kill(os.getpid(), signal.SIGUSR1)
time.sleep(0.3)
print(*got)
"""


@pytest.mark.parametrize("how", RUN)
def test_the_script_decides_about_signals_that_nohup_ignores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.py").write_text(
        COUNTS.replace("signal.valid_signals() - {signal", "{signal.SIGHUP, signal.SIGUSR2} - {signal")
    )
    process = subprocess.Popen(
        ["nohup", *RUN[how], "counts.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    process.send_signal(signal.SIGUSR2)
    assert process.communicate(timeout=60)[0].split() == ["SIGHUP", "SIGUSR2"]


@pytest.mark.parametrize("how", RUN)
@pytest.mark.parametrize("ignored", [True, False])
def test_nohup_holds(script: str, how: str, ignored: bool) -> None:
    command = [*(["nohup"] if ignored else []), *RUN[how], script, "wait"]
    process = started(*command)
    process.send_signal(signal.SIGHUP)
    if ignored:
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -(signal.SIGTERM if ignored else signal.SIGHUP)


@pytest.mark.parametrize("how", RUN)
def test_timeout_ends_it(script: str, how: str) -> None:
    done = subprocess.run(
        ["timeout", "2", *RUN[how], script, "wait"], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 124
    assert done.stdout == "begun ['wait']\nready\n"
    assert done.stderr.count("Traceback") == 0


LAUNCHER = """\
import signal, subprocess, sys, time
got = []
for number in (signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, lambda number, _: got.append(signal.Signals(number).name))
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, text=True)
while len(got) < 2 and process.poll() is None:
    time.sleep(0.02)
process.communicate("go on\\n")
print("launcher", *sorted(got), process.returncode)
"""
TELLS_ITS_LAUNCHER = """\
import os, signal, subprocess, sys
os.kill(os.getppid(), signal.SIGUSR1)
tells = "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGUSR2); input()"
below = subprocess.Popen([sys.executable, "-c", tells, str(os.getppid())], stdin=subprocess.PIPE)
print("script", input(), flush=True)
below.communicate(b"go on\\n")
sys.exit(3)
"""


@pytest.mark.parametrize("how", RUN)
def test_signals_of_the_script_to_its_parent_reach_our_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TELLS_ITS_LAUNCHER)
    command = [sys.executable, "-c", LAUNCHER, *RUN[how], "train.py"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.stdout == "script go on\nlauncher SIGUSR1 SIGUSR2 3\n"


def test_without_a_witness_single_signals_are_forwarded(tmp_path: Path) -> None:
    witness = Witness(str(tmp_path / "no-python"))
    assert not witness.present
    assert not witness.got(signal.SIGTERM)
    witness.end()


def test_no_thread_of_ours_is_left_at_shutdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that wakes later would abort the process if no file can be opened any more."""
    monkeypatch.chdir(tmp_path)
    shutdown = "import atexit, os\natexit.register(lambda: print(len(os.listdir('/proc/self/task'))))\n"
    (tmp_path / "train.py").write_text(shutdown)
    done = subprocess.run([*WATCH, "train.py"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "1\n")
