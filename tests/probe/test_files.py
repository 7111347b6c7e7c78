"""The user's files stay as they are while a child repeats the script."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitdoctor.probe.files import Redirect
from tests.children import BLOCKED, Project

BEFORE = "what was there before"

TAKEN = {
    "overwrite": "open('model.txt', 'w')",
    "overwrite bytes": "open(b'model.txt', 'wb')",
    "update": "open('model.txt', 'r+')",
    "read and overwrite": "open('model.txt', 'w+b')",
    "by descriptor": "import os; os.open('model.txt', os.O_WRONLY | os.O_TRUNC)",
    "pathlib": "from pathlib import Path; Path('model.txt').write_text('new')",
    "absolute": "import os; open(os.path.abspath('model.txt'), 'w')",
    "from another folder": "import os; os.mkdir('sub'); os.chdir('sub'); open('../model.txt', 'w')",
    "through a link": "import os; os.symlink('model.txt', 'link'); open('link', 'w')",
    "remove": "import os; os.remove('model.txt')",
    "unlink": "from pathlib import Path; Path('model.txt').unlink()",
    "remove a tree": "import shutil; shutil.rmtree('logs')",
    "rename onto": "import os; open('new', 'w').write('x'); os.rename('new', 'model.txt')",
    "replace": "import os; open('new', 'w').write('x'); os.replace('new', 'model.txt')",
    "rename away": "import os; os.rename('model.txt', 'other')",
    "move": "import shutil; open('new', 'w').write('x'); shutil.move('new', 'model.txt')",
    "copy onto": "import shutil; open('new', 'w').write('x'); shutil.copy('new', 'model.txt')",
    "truncate": "import os; os.truncate('model.txt', 0)",
    "truncate by absolute path": "import os; os.truncate(os.path.abspath('model.txt'), 3)",
    "in a folder that is open": "import os; os.remove('events.txt', dir_fd=os.open('logs', os.O_RDONLY))",
    "after it was appended to": "open('model.txt', 'a').write('more'); open('model.txt', 'w')",
    "in a thread": "import threading; t = threading.Thread(target=lambda: open('model.txt', 'w')); t.start(); t.join()",
    "where errors are ignored": "try:\n    open('model.txt', 'w')\nexcept BaseException:\n    pass",
}
FREE = {
    "read": "open('model.txt').read()",
    "new": "open('new.txt', 'w').write('x'); open('new.txt', 'w').write('y')",
    "new, in parts": "open('new.txt', 'a').write('x'); open('new.txt', 'w').write('y')",
    "new, removed": "import os; open('new.txt', 'w').write('x'); os.remove('new.txt')",
    "new, rotated": "import os; open('a.log', 'a').write('x'); os.rename('a.log', 'b.log'); open('a.log', 'a')",
    "append": "open('model.txt', 'a').write('')",
    "append by descriptor": "import os; os.open('model.txt', os.O_WRONLY | os.O_APPEND)",
    "nowhere": "open('/dev/null', 'w').write('x')",
    "descriptor": "import os; os.fdopen(os.dup(1), 'w').write('x')",
    "empty file": "open('lock', 'w').write('x')",
    "cache": "import os; os.makedirs('.cache', exist_ok=True); open('.cache/index', 'w').write('x')",
    "temporary": "import tempfile; tempfile.NamedTemporaryFile('w').write('x')",
    "folders": "import os; os.mkdir('made'); os.rmdir('made'); os.mkdir('again'); os.rename('again', 'made')",
}


@pytest.fixture
def old(user: Project) -> Project:
    """A project with files that were there before the diagnosis began."""
    (user.folder / "model.txt").write_text(BEFORE)
    (user.folder / "logs").mkdir()
    (user.folder / "logs" / "events.txt").write_text(BEFORE)
    (user.folder / "lock").touch()
    (user.folder / ".cache").mkdir()
    (user.folder / ".cache" / "index").write_text(BEFORE)
    user.begin()
    return user


@pytest.mark.parametrize("source", TAKEN.values(), ids=TAKEN.keys())
def test_a_file_of_the_users_is_left_alone(old: Project, source: str) -> None:
    old.write(train=f"import sys\n{source}\nprint('went on')")
    done = old.launch("train.py")
    assert (done.returncode, done.stdout) == (BLOCKED, ""), done.stderr
    assert (old.folder / "model.txt").read_text().startswith(BEFORE)
    assert (old.folder / "logs" / "events.txt").read_text() == BEFORE
    ending = old.record().ending
    assert ending.how == "blocked-write"
    assert Path(old.folder, ending.message).resolve().name in ("model.txt", "events.txt", "link")
    assert ending.site is not None
    assert ending.site.file == str(old.folder / "train.py")


@pytest.mark.parametrize("source", FREE.values(), ids=FREE.keys())
def test_what_hurts_nothing_goes_on(old: Project, source: str) -> None:
    old.write(train=f"{source}\nprint('went on')")
    done = old.launch("train.py")
    assert (done.returncode, done.stdout.endswith("went on\n")) == (0, True), done.stderr + str(old.record().ending)


def test_writing_is_allowed_where_the_user_says_so(old: Project) -> None:
    old.write(train="open('model.txt', 'w').write('new')")
    assert old.launch("train.py", allow_writes=True).returncode == 0
    assert (old.folder / "model.txt").read_text() == "new"


def test_the_scratch_folder_is_free(old: Project) -> None:
    scratch = old.ours / "scratch"
    scratch.mkdir()
    (scratch / "model.txt").write_text(BEFORE)
    old.begin()
    old.write(train=f"open({str(scratch / 'model.txt')!r}, 'w').write('new')")
    assert old.launch("train.py").returncode == 0


def test_a_forked_worker_gets_an_error_of_its_own(old: Project) -> None:
    old.write(
        train="""\
import os
if os.fork() == 0:
    try:
        open("model.txt", "w")
    except PermissionError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
print("went on")
"""
    )
    done = old.launch("train.py")
    assert "model.txt was there before; pass --allow-writes" in done.stdout
    assert done.stdout.endswith("went on\n")
    assert (old.folder / "model.txt").read_text() == BEFORE


def test_another_thread_is_looked_at_while_one_is(old: Project) -> None:
    old.write(
        train="""\
import os, threading
from fitdoctor.probe.files import Guard

def blocked(path, event):
    if "record" not in path:
        print(path, flush=True)
    if path == "model.txt":
        thread = threading.Thread(target=open, args=("logs/events.txt", "r+"))
        thread.start()
        thread.join()
        os._exit(0)

import time
Guard(began_s=time.time() + 1, scratch="/nowhere", blocked=blocked).install()
open("model.txt", "r+")
"""
    )
    done = old.launch("train.py", allow_writes=True)
    assert done.stdout.splitlines() == ["model.txt", "logs/events.txt"], done.stderr


@pytest.fixture
def redirect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Redirect:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return Redirect(str(tmp_path / "scratch"), [])


def test_saving_goes_aside(redirect: Redirect, tmp_path: Path) -> None:
    real = tmp_path / "project" / "out" / "model.keras"
    aside = redirect.written("out/model.keras")
    assert aside == f"{tmp_path}/scratch{real}"
    assert Path(aside).parent.is_dir()
    assert not real.parent.exists()
    assert redirect._redirected == [str(real)]


def test_paths_keep_their_kind(redirect: Redirect, tmp_path: Path) -> None:
    assert redirect.written(Path("model.keras")) == Path(f"{tmp_path}/scratch{tmp_path}/project/model.keras")
    assert redirect.written(b"model.keras") == f"{tmp_path}/scratch{tmp_path}/project/model.keras"
    assert redirect.written("~/model.keras") == f"{tmp_path}/scratch{Path.home()}/model.keras"


def test_what_is_no_path_stays(redirect: Redirect) -> None:
    stream = object()
    assert redirect.written(stream) is stream
    assert redirect.read(stream) is stream
    assert redirect._redirected == []


def test_what_lies_aside_already_stays_there(redirect: Redirect, tmp_path: Path) -> None:
    inside = f"{tmp_path}/scratch/x/model.keras"
    assert redirect.written(inside) == inside
    beside = f"{tmp_path}/scratch-of-mine/model.keras"
    assert redirect.written(beside) == f"{tmp_path}/scratch{beside}"


def test_each_path_is_named_once_and_their_number_is_bounded(redirect: Redirect) -> None:
    for number in range(200):
        redirect.written(f"{number}.keras")
        redirect.written(f"{number}.keras")
    assert len(redirect._redirected) == len(set(redirect._redirected)) == 100


@pytest.mark.parametrize("path", ["model.keras", "sub/model.keras", "~/model.keras", "gs://bucket/model.keras", "/data/model.keras"])
def test_what_was_written_is_read_back(redirect: Redirect, path: str) -> None:
    assert redirect.read(path) == path
    aside = redirect.written(path)
    assert redirect.read(path) == path
    Path(aside).write_text("half trained")
    assert redirect.read(path) == aside


def test_what_was_not_written_is_read_from_its_place(redirect: Redirect) -> None:
    Path("model.keras").write_text(BEFORE)
    redirect.written("other.keras")
    assert redirect.read("model.keras") == "model.keras"


def test_a_backup_begins_as_what_is_there(redirect: Redirect) -> None:
    Path("backup").mkdir()
    Path("backup", "epoch").write_text("3")
    aside = redirect.backed_up("backup")
    assert Path(aside, "epoch").read_text() == "3"
    Path(aside, "epoch").write_text("4")
    assert redirect.backed_up("backup") == aside
    assert Path(aside, "epoch").read_text() == "4"
    assert Path("backup", "epoch").read_text() == "3"
