"""A script that replaces its own process by another Python is followed. Any other program is declined."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.recording.notes import SUFFIX, read_notes
from tests.support.projects import BLOCKED, Project

ONCE = """\
import os, sys
if os.environ.get("AGAIN") != "1":
    os.environ["AGAIN"] = "1"
    {again}
"""
AGAIN = {
    "execv": "os.execv(sys.executable, [sys.executable, *sys.argv])",
    "execve": "os.execve(sys.executable, [sys.executable, *sys.argv], os.environ)",
    "execve, a clean environment": "os.execve(sys.executable, [sys.executable, *sys.argv], {'AGAIN': '1'})",
    "execvp": "os.execvp(sys.executable, ['python', *sys.argv])",
    "execvpe": "os.execvpe(sys.executable, ['python', *sys.argv], dict(os.environ))",
    "execl": "os.execl(sys.executable, sys.executable, *sys.argv)",
    "execle": "os.execle(sys.executable, sys.executable, *sys.argv, os.environ)",
    "execlp": "os.execlp(sys.executable, sys.executable, *sys.argv)",
    "of posix": "import posix; posix.execv(sys.executable, [sys.executable, *sys.argv])",
    "imported before": "from os import execv; execv(sys.executable, [sys.executable, *sys.argv])",
    "bytes": "os.execv(os.fsencode(sys.executable), [sys.executable.encode(), *map(os.fsencode, sys.argv)])",
    "options": "os.execv(sys.executable, [sys.executable, '-u', '-W', 'ignore', '-X', 'utf8', *sys.argv])",
    "options in one": "os.execv(sys.executable, [sys.executable, '-uOWignore', *sys.argv])",
    "its file": "os.execv(sys.executable, [sys.executable, __file__, *sys.argv[1:]])",
    "its command line": "os.execv(sys.executable, sys.orig_argv)",
    "its command line, with an option": "os.execv(sys.executable, [sys.executable, '-X', 'dev', *sys.orig_argv[1:]])",
    "the system's command line": (
        "os.execv(sys.executable, open('/proc/self/cmdline', 'rb').read().rstrip(b'\\0').split(b'\\0'))"
    ),
    "env": "os.execv('/usr/bin/env', ['env', 'A=b', sys.executable, *sys.argv])",
    "nice": "os.execvp('nice', ['nice', '-n', '1', sys.executable, *sys.argv])",
    "a shell": "os.execv('/bin/sh', ['sh', '-c', f'B=c exec {sys.executable} train.py a'])",
    "in a thread": (
        "import threading; t = threading.Thread(target=lambda: os.execv(sys.executable, [sys.executable, *sys.argv])); "
        "t.start(); t.join()"
    ),
    "after another folder": "os.makedirs('sub', exist_ok=True); os.chdir('sub'); "
    "os.execv(sys.executable, [sys.executable, '../train.py', 'a'])",
    "after closing all": "os.closerange(3, 256); os.execv(sys.executable, [sys.executable, *sys.argv])",
}
LEFT = {
    "a program": ("os.execv('/bin/echo', ['echo', 'hello'])", "“echo hello” at train.py:4"),
    "a shell script": ("os.execv('/bin/sh', ['sh', 'run.sh'])", "“sh run.sh”"),
    "a line that only a shell understands": ("os.execl('/bin/sh', 'sh', '-c', 'echo hello | cat')", "echo hello"),
    "code from its input": ("os.execv(sys.executable, ['python', '-'])", "“python -”"),
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN.keys())
@pytest.mark.parametrize("role", ["scout", "watch"])
def test_the_new_python_has_the_probe(user: Project, role: str, again: str) -> None:
    user.write(
        train=ONCE.format(again=again)
        + "print(sys.argv[1:], 'fitdoctor.probe' in sys.modules, flush=True)\nsys.exit(3)\n"
    )
    (user.folder / "sub").mkdir()
    done = user.launch("train.py", "a", role=role)
    assert (done.returncode, done.stdout) == (3, "['a'] True\n"), f"{done.stderr}{user.record().ending}"
    ending = user.record().ending
    assert (ending.how, ending.code) == ("exit", 3)
    assert ending.site is not None
    assert Path(ending.site.file).name == "train.py"


@pytest.mark.parametrize(
    "case", ["as a module", "to a module", "to code", "to a folder", "to another script", "by its first line"]
)
@pytest.mark.parametrize("role", ["scout", "watch", "treat"])
def test_the_new_python_runs_the_requested_command(user: Project, role: str, case: str) -> None:
    seen = "import sys\nprint(__name__, sys.argv[1:], 'fitdoctor.probe' in sys.modules)\n"
    user.write(other=f"#!{sys.executable} -u\n{seen}")
    (user.folder / "other.py").chmod(0o755)
    (user.folder / "pkg").mkdir()
    (user.folder / "pkg" / "__main__.py").write_text(seen)
    (user.folder / "pkg" / "__init__.py").touch()
    again = {
        "as a module": "os.execv(sys.executable, [sys.executable, '-m', 'train', 'a'])",
        "to a module": "os.execv(sys.executable, [sys.executable, '-um', 'pkg', 'a'])",
        "to code": f"os.execv(sys.executable, [sys.executable, '-c', {seen!r}, 'a'])",
        "to a folder": "os.execv(sys.executable, [sys.executable, 'pkg', 'a'])",
        "to another script": "os.execv(sys.executable, [sys.executable, 'other.py', 'a'])",
        "by its first line": "os.execv('./other.py', ['./other.py', 'a'])",
    }[case]
    user.write(train=ONCE.format(again=again) + seen)
    done = user.launch("train.py", role=role, treatments=[])
    assert done.stdout == "__main__ ['a'] True\n", f"{done.stderr}{user.record().ending}"
    assert user.record().ending.how == "finished"


def test_isolated_python_has_its_usual_search_path(user: Project) -> None:
    user.write(
        train=ONCE.format(again="os.execv(sys.executable, [sys.executable, '-I', *sys.argv])") + "print(sys.path)\n"
    )
    launched = user.launch("train.py", role="watch")
    assert launched.stdout == user.python("train.py").stdout


@pytest.mark.parametrize(("again", "words"), LEFT.values(), ids=LEFT.keys())
def test_a_program_without_a_script_is_declined_before_it_runs(user: Project, again: str, words: str) -> None:
    (user.folder / "run.sh").write_text("echo hello")
    user.write(train=ONCE.format(again=again))
    done = user.launch("train.py")
    assert (done.returncode, done.stdout) == (BLOCKED, ""), done.stderr
    ending = user.record().ending
    assert ending.how == "declined"
    assert words in ending.message


@pytest.mark.parametrize(("again", "words"), LEFT.values(), ids=LEFT.keys())
def test_a_real_training_continues_unrecorded(user: Project, again: str, words: str) -> None:
    (user.folder / "run.sh").write_text("echo hello")
    user.write(train=ONCE.format(again=again))
    done = user.launch("train.py", role="watch")
    assert (done.returncode, done.stdout) == (0, "" if "'-'" in again else "hello\n"), done.stderr
    (other,) = read_notes(user.ours / f"record.json{SUFFIX}").others
    assert other.kind == "replaced"
    assert other.site is not None
    assert other.site.line == 4


@pytest.mark.parametrize("role", ["scout", "watch"])
def test_a_failing_exec_raises_its_usual_error(user: Project, role: str) -> None:
    user.write(
        train="""\
import os, sys
for path, words in (("/nowhere/python", ["python", "train.py"]), ("/etc", ["etc"]), (sys.executable, [])):
    try:
        os.execv(path, words)
    except (OSError, ValueError) as error:
        print(type(error).__name__, error)
try:
    os.execvp("no-such-program", ["no-such-program"])
except FileNotFoundError as error:
    print(error)
os.execv(sys.executable, [sys.executable, "-c", "print('went on')"])
"""
    )
    assert user.launch("train.py", role=role).stdout == user.python("train.py").stdout


def test_a_script_that_replaces_itself_for_ever_is_declined(user: Project) -> None:
    user.write(train="import os, sys\nos.execv(sys.executable, [sys.executable, *sys.argv])\n")
    done = user.launch("train.py", limit_s=100.0, hard_limit_s=100.0)
    assert done.returncode == BLOCKED
    assert "replaced itself 20 times at train.py:2" in user.record().ending.message


def test_all_replacements_share_one_time_limit(user: Project) -> None:
    user.write(
        train=ONCE.format(again="os.execv(sys.executable, [sys.executable, *sys.argv])")
        + "import time\ntime.sleep(60)\n"
    )
    done = user.launch("train.py", limit_s=1.5, hard_limit_s=1.5)
    assert done.returncode == BLOCKED
    spec = json.loads((user.ours / "spec.json.1").read_text())
    assert spec["limit_s"] < 1.5
    assert user.record().ending.how == "limit"


@pytest.mark.parametrize("role", ["scout", "watch"])
def test_exec_in_a_forked_process_is_unchanged(user: Project, role: str) -> None:
    user.write(
        train="""\
import os, sys
code = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", "import sys; sys.exit(7)"])
code += os.spawnvpe(os.P_WAIT, "echo", ["echo", "hello"], os.environ)
sys.exit(code)
"""
    )
    done = user.launch("train.py", role=role)
    assert (done.returncode, done.stdout) == (7, "hello\n"), done.stderr


def test_the_write_guard_is_active_in_the_new_python(user: Project) -> None:
    (user.folder / "model.txt").write_text("precious")
    user.begin()
    user.write(
        train=ONCE.format(again="os.execv(sys.executable, [sys.executable, *sys.argv])")
        + "open('model.txt', 'w').write('new')\n"
    )
    (user.folder / "logs").mkdir()
    user.write(train=(user.folder / "train.py").read_text() + "os.rmdir('logs')\n")
    assert user.launch("train.py").returncode == BLOCKED
    assert (user.folder / "model.txt").read_text() == "precious"
    assert user.record().ending.how == "blocked-write"


@pytest.mark.parametrize("closed", [False, True])
def test_a_rehearsal_keeps_its_pipes_or_ends(user: Project, closed: bool) -> None:
    again = "os.closerange(3, 256); " * closed + "os.execv(sys.executable, [sys.executable, *sys.argv])"
    user.write(train=ONCE.format(again=again) + "print('again')\n")
    commands, ours = os.pipe()
    replies, theirs = os.pipe()
    site = {"kind": "fit", "file": "train.py", "line": 1}
    passed: dict[str, Any] = {"commands": commands, "replies": theirs, "site": site}
    done = user.launch("train.py", role="rehearsal", pass_fds=(commands, theirs), **passed)
    os.close(theirs)
    with os.fdopen(replies) as stream:
        said = stream.read()
    os.close(commands)
    os.close(ours)
    ended = json.loads(said)["ended"] if said else None
    assert (done.stdout, ended) == (("", None) if closed else ("again\n", "finished")), done.stderr


def test_the_start_includes_the_time_before_the_replacement(user: Project) -> None:
    user.write(
        train=ONCE.format(again="import time; time.sleep(0.5); os.execv(sys.executable, [sys.executable, *sys.argv])")
    )
    user.launch("train.py", role="watch")
    assert user.record().parts["start"] >= 0.5


def test_a_variable_set_before_the_replacement_keeps_its_line(user: Project) -> None:
    again = "os.environ['OMP_NUM_THREADS'] = '1'; os.execv(sys.executable, [sys.executable, *sys.argv])"
    shows = (
        "from fitdoctor.probe.instrument import thread_settings\n"
        "print(thread_settings._assigned['OMP_NUM_THREADS'].line)\n"
    )
    user.write(train=ONCE.format(again=again) + shows)
    assert user.launch("train.py").stdout == "4\n"


def test_the_replaced_functions_keep_their_signatures(user: Project) -> None:
    user.write(
        train="import inspect, os\n"
        "for f in (os.execv, os.execve): print(f.__name__, f.__module__, f.__doc__, inspect.signature(f))\n"
    )
    assert user.launch("train.py", role="watch").stdout == user.python("train.py").stdout
