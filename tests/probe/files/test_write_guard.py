"""What was there before stays as it is while a child repeats the script."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.probe.files.conftest import BEFORE, state
from tests.support.projects import BLOCKED, Project

ENDED = {
    "overwrite, beneath open": "import io; io.FileIO('model.txt', 'w')",
    "append, beneath open": "import io; io.FileIO('model.txt', 'a')",
    "overwrite, beneath os": "import posix, os; posix.open('model.txt', os.O_WRONLY | os.O_TRUNC)",
    "remove, beneath os": "import posix; posix.unlink('model.txt')",
    "in a folder that is open": "import os; os.open('events.txt', os.O_WRONLY, dir_fd=os.open('logs', os.O_RDONLY))",
    "remove in a folder that is open": "import os; os.remove('events.txt', dir_fd=os.open('logs', os.O_RDONLY))",
    "remove a tree": "import shutil; shutil.rmtree('logs')",
    "remove a tree as a path": "import shutil, pathlib; shutil.rmtree(pathlib.Path('logs').resolve())",
    "remove an empty folder": "import os; os.rmdir('empty')",
    "remove empty folders": "import os; os.removedirs('empty')",
    "rename a folder": "import os; os.rename('logs', 'logs-old')",
    "move a folder": "import shutil; shutil.move('logs', 'logs-old')",
    "rename a folder as a path": "import pathlib; pathlib.Path('logs').rename('logs-old')",
    "a folder in place of an empty one": "import os; os.mkdir('new'); os.rename('new', 'empty')",
    "remove a link": "import os; os.remove('latest')",
    "remove a link as a path": "import pathlib; pathlib.Path('latest').unlink()",
    "replace a link": "import os; os.symlink('empty', 'new'); os.replace('new', 'latest')",
    "rename a link": "import os; os.rename('latest', 'earlier')",
    "remove a link to nowhere": "import os; os.remove('nowhere')",
    "remove a pipe": "import os; os.remove('pipe')",
    "link to a file": "import os; os.link('model.txt', 'same')",
    "permissions of a folder": "import os; os.chmod('logs', 0o700)",
    "times of a folder": "import os; os.utime('logs')",
    "permissions by descriptor": "import os; os.chmod(os.open('model.txt', os.O_RDONLY), 0o600)",
    "permissions, beneath os": "import posix; posix.chmod('model.txt', 0o600)",
    "truncate, beneath os": "import posix; posix.truncate('model.txt', 0)",
    "in a thread": (
        "import io, threading; t = threading.Thread(target=lambda: io.FileIO('model.txt', 'w')); t.start(); t.join()"
    ),
    "where errors are ignored": "import io\ntry:\n    io.FileIO('model.txt', 'w')\nexcept BaseException:\n    pass",
    "a database, beneath connect": "import sqlite3; sqlite3.Connection('study.db')",
    "a database that is attached": "import sqlite3; sqlite3.connect(':memory:').execute(\"attach 'study.db' as s\")",
    "by a cursor": "import sqlite3; sqlite3.connect('new.db').cursor().execute(\"attach database 'study.db' as s\")",
}
FREE = {
    "read": "open('model.txt').read()",
    "new": "open('new.txt', 'w').write('x'); open('new.txt', 'w').write('y')",
    "new, in parts": "open('new.txt', 'a').write('x'); open('new.txt', 'w').write('y')",
    "new, removed": (
        "import os; open('new.txt', 'w').write('x'); os.remove('new.txt'); assert not os.path.exists('new.txt')"
    ),
    "new, rotated": (
        "import os; open('a.log', 'a').write('x'); os.rename('a.log', 'b.log'); open('a.log', 'a'); os.remove('b.log')"
    ),
    "new, beneath os": (
        "import posix, os, io; io.FileIO('new', 'w'); posix.rename('new', 'other'); posix.unlink('other')"
    ),
    "nowhere": "open('/dev/null', 'w').write('x')",
    "descriptor": "import os; os.fdopen(os.dup(1), 'w').write('x')",
    "compiled": (
        "import os; os.makedirs('__pycache__', exist_ok=True); open('__pycache__/a.pyc', 'w'); "
        "os.remove('__pycache__/a.pyc')"
    ),
    "temporary": "import tempfile; tempfile.NamedTemporaryFile('w').write('x')",
    "temporary folder": "import tempfile; t = tempfile.TemporaryDirectory(); open(t.name + '/x', 'w'); t.cleanup()",
    "folders": (
        "import os; os.mkdir('made'); os.rmdir('made'); os.mkdir('again'); os.rename('again', 'made'); os.rmdir('made')"
    ),
    "a tree": "import os, shutil; os.makedirs('a/b/c'); open('a/b/x', 'w'); shutil.move('a', 'd'); shutil.rmtree('d')",
    "a tree of another program": (
        "import os, shutil, subprocess; os.mkdir('a'); subprocess.run(['mkdir', 'a/x']); shutil.rmtree('a')"
    ),
    "a link of its own": (
        "import os; os.symlink('logs', 'link'); os.remove('link'); os.symlink('empty', 'link'); os.rename('link', 'k')"
    ),
    "into a pipe": "import os; os.close(os.open('pipe', os.O_RDWR | os.O_NONBLOCK))",
    "only if it is new": (
        "try:\n    open('model.txt', 'x')\nexcept FileExistsError:\n    pass\nelse:\n    raise SystemExit('made')"
    ),
    "open or make": "import os; os.close(os.open('model.txt', os.O_RDONLY | os.O_CREAT))",
    "a folder that is there": "import os; os.makedirs('logs', exist_ok=True)",
    "shared memory": (
        "from multiprocessing.shared_memory import SharedMemory as S; s = S(create=True, size=9); s.close(); s.unlink()"
    ),
    "shared memory, by its file": "import os; p = f'/dev/shm/pym-{os.getpid()}'; open(p, 'x'); os.truncate(p, 9); "
    "os.rename(p, p + 'b'); "
    "os.remove(p + 'b')",
    "a shared array": (
        "import multiprocessing as m; m.Array('d', 9); m.Value('i'); m.Lock(); q = m.Queue(); q.put(1); q.get()"
    ),
    "a pipe of its own": (
        "import os; os.mkfifo('own'); os.remove('own'); os.mknod('own'); os.rename('own', 'b'); os.remove('b')"
    ),
    "a pipe in an open folder": (
        "import os; f = os.open('empty', 0); os.mkfifo('own', dir_fd=f); os.remove('own', dir_fd=f)"
    ),
    "a socket of its own": (
        "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind('own'); os.chmod('own', 0o600); os.remove('own')"
    ),
    "a manager": (
        "import multiprocessing as m; g = m.get_context('fork').Manager(); d = g.dict(); d[1] = 2; g.shutdown()"
    ),
    "permissions of a new one": (
        "import os; open('new', 'w'); os.chmod('new', 0o600); os.utime('new'); os.truncate('new', 3)"
    ),
}


@pytest.mark.parametrize("source", ENDED.values(), ids=ENDED.keys())
def test_the_child_ends_before_it_changes_an_existing_file(old: Project, source: str) -> None:
    before = state(old.folder)
    old.write(train=f"import sys\n{source}\nprint('went on')")
    done = old.launch("train.py")
    assert (done.returncode, done.stdout) == (BLOCKED, ""), done.stderr
    assert {path: found for path, found in state(old.folder).items() if path in before} == before
    ending = old.record().ending
    assert ending.how == "blocked-write"
    assert Path(old.folder, ending.message).name in (
        "model.txt",
        "events.txt",
        "logs",
        "empty",
        "latest",
        "nowhere",
        "pipe",
        "study.db",
    )
    assert ending.error
    assert ending.site is not None
    assert ending.site.file == str(old.folder / "train.py")


@pytest.mark.parametrize("source", FREE.values(), ids=FREE.keys())
def test_harmless_operations_continue(old: Project, source: str) -> None:
    before = state(old.folder)
    old.write(train=f"{source}\nprint('went on')")
    done = old.launch("train.py")
    assert (done.returncode, done.stdout.endswith("went on\n")) == (0, True), done.stderr + str(old.record().ending)
    assert {path: found for path, found in state(old.folder).items() if path in before} == before


def test_allow_writes_allows_writes(old: Project) -> None:
    old.write(train="open('model.txt', 'w').write('new')")
    assert old.launch("train.py", allow_writes=True).returncode == 0
    assert (old.folder / "model.txt").read_text() == "new"


def test_under_a_layer_no_guard_is_installed(old: Project) -> None:
    old.write(
        train="import os\nassert os.open.__module__ == 'posix'\nopen('model.txt', 'w').write('new')\nos.rmdir('empty')"
    )
    done = old.launch("train.py", isolated=True)
    assert (done.returncode, (old.folder / "model.txt").read_text()) == (0, "new"), done.stderr


def test_the_scratch_folder_is_free(old: Project) -> None:
    scratch = old.ours / "scratch"
    scratch.mkdir()
    (scratch / "model.txt").write_text(BEFORE)
    old.begin()
    old.write(train=f"import io; io.FileIO({str(scratch / 'model.txt')!r}, 'w').write(b'new')")
    assert old.launch("train.py").returncode == 0


def test_files_of_other_processes_are_protected(old: Project) -> None:
    old.write(train="import posix, subprocess\nsubprocess.run(['mkdir', 'checkpoint-7'])\nposix.rmdir('checkpoint-7')")
    assert old.launch("train.py").returncode == BLOCKED
    assert (old.folder / "checkpoint-7").exists()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_files_of_workers_may_be_changed(old: Project, method: str) -> None:
    old.write(
        train=f"""\
import multiprocessing, os
def work():
    os.mkdir("run")
if __name__ == "__main__":
    process = multiprocessing.get_context({method!r}).Process(target=work)
    process.start()
    process.join()
    os.rmdir("run")
"""
    )
    done = old.launch("train.py")
    assert done.returncode == 0, done.stderr
    assert not (old.folder / "run").exists()


def test_a_replaced_file_is_protected(old: Project) -> None:
    old.write(
        train=(
            "import os, posix, subprocess\nos.mkdir('a'); os.rmdir('a')\nsubprocess.run(['mkdir', 'a'])\n"
            "posix.rmdir('a')"
        )
    )
    assert old.launch("train.py").returncode == BLOCKED
    assert (old.folder / "a").is_dir()


def test_existing_shared_memory_is_protected(old: Project) -> None:
    path = Path(f"/dev/shm/fitdoctor-test-{os.getpid()}")
    path.write_text(BEFORE)
    try:
        for source in (f"posix.unlink({str(path)!r})", f"SharedMemory({path.name!r}).unlink()"):
            old.write(train=f"import posix\nfrom multiprocessing.shared_memory import SharedMemory\n{source}")
            (old.ours / "shared-memory.json").unlink(missing_ok=True)
            assert old.launch("train.py").returncode == BLOCKED
            assert path.read_text() == BEFORE
    finally:
        path.unlink(missing_ok=True)


def test_new_shared_memory_may_be_changed_by_workers(old: Project) -> None:
    old.write(
        train="""\
import ctypes, multiprocessing, os
def work(path):
    os.remove(path)
if __name__ == "__main__":
    name = f"/fitdoctor-test-{os.getpid()}"
    assert ctypes.CDLL(None).shm_open(name.encode(), os.O_CREAT | os.O_RDWR, 0o600) >= 0
    process = multiprocessing.get_context("spawn").Process(target=work, args=("/dev/shm" + name,))
    process.start()
    process.join()
    assert process.exitcode == 0 and not os.path.exists("/dev/shm" + name)
"""
    )
    done = old.launch("train.py")
    assert done.returncode == 0, done.stderr


def test_pipes_sockets_and_shared_memory_are_listed(old: Project) -> None:
    source = (
        "s = socket.socket(socket.AF_UNIX); s.bind('socket')\n"
        "m = shared_memory.SharedMemory(create=True, size=1)\nprint(m.name)"
    )
    old.write(
        train=f"import os, socket\nfrom multiprocessing import shared_memory\nos.mkfifo('fifo')\n{source}\nos._exit(3)"
    )
    done = old.launch("train.py")
    assert done.returncode == 3, done.stderr
    lines = [json.loads(line) for line in (old.ours / "made.jsonl").read_text().splitlines()]
    expected = [str(old.folder / "fifo"), str(old.folder / "socket"), f"/dev/shm/{done.stdout.strip()}"]
    assert [line[0] for line in lines if len(line) == 3] == expected


def test_the_folder_of_the_child_is_unprotected_and_not_listed(old: Project) -> None:
    (old.ours / "other.json").write_text(BEFORE)
    old.begin()
    old.write(
        train=f"import os\nos.chdir({str(old.ours)!r})\nopen('new', 'w')\nopen('other.json', 'w')\nos.mkdir('folder')"
    )
    done = old.launch("train.py")
    assert done.returncode == 0, done.stderr
    assert not (old.ours / "made.jsonl").exists()


def test_made_files_are_listed(old: Project) -> None:
    source = (
        "import os\nos.mkdir('run')\nopen('run/lock', 'x')\nos.symlink('lock', 'run/link')\nopen('a', 'w')\n"
        "os.remove('a')\n"
    )
    old.write(train=f"{source}os.rename('run/lock', 'run/other')\nos._exit(3)")
    assert old.launch("train.py").returncode == 3
    lines = [json.loads(line) for line in (old.ours / "made.jsonl").read_text().splitlines()]
    assert [line[0] for line in lines] == [
        str(old.folder / f) for f in ("run", "run/lock", "run/link", "a", "a", "run/lock", "run/other")
    ]
    assert [len(line) for line in lines] == [3, 3, 3, 3, 1, 1, 3]
    status = (old.folder / "run" / "link").lstat()
    assert lines[2][1:] == [status.st_dev, status.st_ino]


WORKERS = {
    "forked by hand": "if os.fork() == 0:\n        work()\n        os._exit(0)\n    os.wait()",
    "forked": "p = multiprocessing.get_context('fork').Process(target=work); p.start(); p.join()",
    "spawned": "p = multiprocessing.get_context('spawn').Process(target=work); p.start(); p.join()",
    "of a fork server": "p = multiprocessing.get_context('forkserver').Process(target=work); p.start(); p.join()",
    "of a pool": "multiprocessing.get_context('spawn').Pool(1).apply(work)",
}


@pytest.mark.parametrize("start", WORKERS.values(), ids=WORKERS.keys())
def test_a_worker_raises_an_error_instead(old: Project, start: str) -> None:
    old.write(
        train=f"""\
import io, multiprocessing, os

def work():
    try:
        io.FileIO("model.txt", "w")
    except PermissionError as error:
        print(error, flush=True)

if __name__ == "__main__":
    {start}
    print("went on")
"""
    )
    done = old.launch("train.py")
    assert "model.txt was there before; pass --allow-writes" in done.stdout, done.stderr
    assert done.stdout.endswith("went on\n")
    assert (old.folder / "model.txt").read_text() == BEFORE


def test_other_threads_are_checked_during_a_check(old: Project) -> None:
    old.write(
        train="""\
import os, threading
from fitdoctor.probe.files.made_files import MadeFiles
from fitdoctor.probe.files.write_guard import WriteGuard

def blocked(path, event):
    if "record" not in path:
        print(os.path.relpath(path), flush=True)
    if path.endswith("model.txt"):
        thread = threading.Thread(target=open, args=("logs/events.txt", "r+"))
        thread.start()
        thread.join()
        os._exit(0)

WriteGuard(made=MadeFiles(), free=(), blocked=blocked).install()
open("model.txt", "r+")
"""
    )
    done = old.launch("train.py", allow_writes=True)
    assert done.stdout.splitlines() == ["model.txt", "logs/events.txt"], done.stderr
