"""Programs that the script starts: named, guarded, or refused."""

from __future__ import annotations

import pytest

from tests.probe.files.conftest import BEFORE, state
from tests.support.projects import BLOCKED, Project

REPLACED = {
    "a shell": "os.execlp('sh', 'sh', '-c', 'echo x > model.txt')",
    "a shell by its path": "os.execv('/bin/sh', ['sh', '-c', 'echo x > model.txt'])",
    "with another environment": "os.execvpe('sh', ['sh', '-c', 'echo x > model.txt'], {'PATH': os.environ['PATH']})",
}


@pytest.mark.parametrize("source", REPLACED.values(), ids=REPLACED.keys())
def test_exec_of_another_program_is_declined(old: Project, source: str) -> None:
    old.write(train=f"import os, sys\n{source}")
    done = old.launch("train.py")
    assert done.returncode == BLOCKED, done.stderr
    assert old.record().ending.how == "declined"
    assert "replaced itself by" in old.record().ending.message
    assert (old.folder / "model.txt").read_text() == BEFORE


STARTED = {
    "subprocess": "import subprocess; subprocess.run(['true']); subprocess.run('exit 0', shell=True)",
    "a shell": "import os; os.system('true && true')",
    "spawned": "import os; os.spawnlp(os.P_WAIT, 'true', 'true')",
    "posix_spawn": "import os, shutil; os.waitpid(os.posix_spawn(shutil.which('true'), ['true'], os.environ), 0)",
}


@pytest.mark.parametrize("source", STARTED.values(), ids=STARTED.keys())
def test_started_programs_are_named_in_a_limit(old: Project, source: str) -> None:
    old.write(train=source)
    done = old.launch("train.py")
    assert done.returncode == 0, done.stderr
    limits = [limit for limit in old.record().limits if "other programs" in limit]
    assert len(limits) == (0 if "spawnlp" in source else 1)
    assert all("true" in limit and "can't be prevented" in limit for limit in limits)


REFUSED = {
    "a list": "subprocess.run(['cp', 'new.txt', 'model.txt'])",
    "by its path": "subprocess.check_output([shutil.which('rm'), '-rf', 'logs'])",
    "a line": "subprocess.run('ls; rm -rf logs', shell=True)",
    "a shell": "os.system('echo new > model.txt')",
    "in a loop": "os.system('for i in 1; do rm model.txt; done')",
    "in the background": "subprocess.Popen(['sh', '-c', 'sleep 0; mv model.txt other'])",
    "a Python script that begins without us": "subprocess.run([sys.executable, '-I', 'other.py'])",
    "the same by a line": "os.system(f'{sys.executable} -uS other.py')",
    "a Python script with no environment": "subprocess.run([sys.executable, 'other.py'], env={})",
    "Python code that begins without us": "subprocess.run([sys.executable, '-E', '-c', 'open(\"model.txt\", \"w\")'])",
    "posix_spawn": "os.posix_spawn(shutil.which('rm'), ['rm', 'model.txt'], os.environ)",
}


GUARDED = {
    "a Python script": "subprocess.run([sys.executable, 'other.py'], check=True)",
    "by a line": "assert os.system(f'{sys.executable} -u other.py') == 0",
    "with an environment of its own": (
        "subprocess.run([sys.executable, 'other.py'], env={**os.environ, 'SEED': '0'}, check=True)"
    ),
    "Python code": "subprocess.run([sys.executable, '-c', 'open(\"model.txt\", \"w\")'], check=True)",
}


@pytest.mark.parametrize("source", GUARDED.values(), ids=GUARDED.keys())
def test_python_programs_are_guarded(old: Project, source: str) -> None:
    old.write(
        train=f"import os, subprocess, sys\n{source}\nprint('went on')", other="open('model.txt', 'w').write('new')"
    )
    done = old.launch("train.py")
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
    assert (old.folder / "model.txt").read_text() == BEFORE


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED.keys())
def test_programs_that_change_files_are_refused(old: Project, source: str) -> None:
    before = state(old.folder)
    old.write(train=f"import os, shutil, subprocess, sys\n{source}\nprint('went on')", other="open('model.txt', 'w')")
    done = old.launch("train.py")
    assert (done.returncode, done.stdout) == (BLOCKED, ""), done.stderr
    assert old.record().ending.how == "declined"
    assert "was about to start" in old.record().ending.message
    assert {path: found for path, found in state(old.folder).items() if path in before} == before
