"""Command lines are read as the system and Python read them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fitdoctor.probe.processes.commands import WORKER, is_launcher, is_too_old, program, python_command


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["python", "train.py", "a", "-b"], ([], "script", "train.py", ["a", "-b"])),
        (["/opt/venv/bin/python3.11", "-u", "train.py"], (["-u"], "script", "train.py", [])),
        (["python", "-OO", "-W", "error", "-Xdev", "t.py"], (["-OO", "-W", "error", "-Xdev"], "script", "t.py", [])),
        (["python", "-X", "utf8", "t.py"], (["-X", "utf8"], "script", "t.py", [])),
        (["python", "-uWignore", "train.py", "-m"], (["-uWignore"], "script", "train.py", ["-m"])),
        (["python", "-m", "pkg.train", "-u"], ([], "module", "pkg.train", ["-u"])),
        (["python", "-umpkg", "x"], (["-u"], "module", "pkg", ["x"])),
        (["python", "-c", "import x", "y"], ([], "code", "import x", ["y"])),
        (
            ["python", "--check-hash-based-pycs", "never", "--", "-odd.py"],
            (["--check-hash-based-pycs", "never"], "script", "-odd.py", []),
        ),
        (["env", "-u", "A", "B=python", "python", "train.py"], ([], "script", "train.py", [])),
        (["numactl", "--cpunodebind=0", "nice", "-n", "5", "pypy3", "train.py"], ([], "script", "train.py", [])),
        (["sh", "-c", "A=1 exec python -u 'my train.py' x"], (["-u"], "script", "my train.py", ["x"])),
    ],
)
def test_a_python_is_found_with_its_options_and_its_program(words: list[str], expected: tuple[object, ...]) -> None:
    found = python_command(words[0], words, {"PATH": "/usr/bin"})
    assert found is not None
    assert (list(found.options), found.mode, found.target, list(found.arguments)) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["python"],
        ["python", "-"],
        ["python", "-V"],
        ["python", "--version"],
        ["python", "-c"],
        ["bash", "run.sh"],
        ["bash", "-lc", "python train.py"],
        ["sh", "-c", "cd x && python train.py"],
        ["sh", "-c", "python $SCRIPT"],
        ["sh", "-c", "python 'train.py"],
        ["git", "status"],
        ["env", "A=1"],
        ["sudo", "python", "train.py"],
    ],
)
def test_commands_without_a_named_program_are_none(words: list[str]) -> None:
    assert python_command(words[0], words, {"PATH": "/usr/bin"}) is None


def test_the_first_line_of_a_script_names_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "train"
    script.write_text("#!/usr/bin/env -S python3 -u\nprint(1)\n")
    found = python_command(str(script), ["train", "a"], {})
    assert found is not None
    assert (found.before, found.options, found.target, found.arguments) == (
        ("/usr/bin/env", "python3"),
        ("-u",),
        str(script),
        ("a",),
    )


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/usr/bin/git", "clone", "https://user:secret@host/x"], "git"),
        (["/bin/sh", "-c", "TOKEN=x curl -u me:secret host | jq"], "curl"),
        (["python", "/home/ann/worker.py", "--token", "secret"], "python worker.py"),
        (["python", "-m", "pip", "list"], "python -m pip"),
        (["python", "-c", "password = 'x'"], "python -c"),
        ([sys.executable, "-c", "from multiprocessing.spawn import spawn_main; spawn_main()"], WORKER),
        (["python", "--version"], "python"),
    ],
)
def test_a_program_is_named_without_its_arguments(words: list[str], name: str) -> None:
    assert program(words) == name


@pytest.mark.parametrize(
    ("words", "starts_several"),
    [
        (["torchrun", "--nproc-per-node", "2", "train.py"], True),
        (["/usr/bin/mpirun", "python", "train.py"], True),
        (["python", "-m", "torch.distributed.run", "train.py"], True),
        (["python", "/opt/venv/bin/accelerate", "launch", "train.py"], True),
        (["sh", "-c", "OMP_NUM_THREADS=1 torchrun train.py"], True),
        (["python", "train.py", "torchrun"], False),
        (["git", "log"], False),
    ],
)
def test_launchers_are_detected(words: list[str], starts_several: bool) -> None:
    assert is_launcher(words, {}) == starts_several


def test_an_old_python_is_detected_by_its_name_or_environment(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert not is_too_old(str(tmp_path / "bin" / "python"))
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.8.10\n")
    assert is_too_old(str(tmp_path / "bin" / "python"))
    (tmp_path / "pyvenv.cfg").write_text("version_info = 3.12.1.final.0\n")
    assert not is_too_old(str(tmp_path / "bin" / "python"))
    assert is_too_old("/usr/bin/python2.7")
    assert is_too_old("/usr/bin/python2")
    assert not is_too_old(sys.executable)
