"""A script writes to private copies of what was there, and sees them in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.projects import BLOCKED, Project

BEFORE = "what was there before"

SEEN = {
    "overwrite": "open('model.txt', 'w').write('new'); assert open('model.txt').read() == 'new'",
    "overwrite bytes": "open(b'model.txt', 'wb').write(b'new'); assert open('model.txt').read() == 'new'",
    "update": (
        "f = open('model.txt', 'r+'); f.write('WHAT'); f.close(); "
        "assert open('model.txt').read() == 'WHAT' + BEFORE[4:]"
    ),
    "append": "open('model.txt', 'a').write('+'); assert open('model.txt').read() == BEFORE + '+'",
    "append twice": "open('model.txt', 'a').write('1'); open('model.txt', 'a').write('2'); "
    "assert open('model.txt').read() == BEFORE + '12'",
    "append and overwrite": (
        "open('model.txt', 'a').write('1'); open('model.txt', 'w').write('2'); assert open('model.txt').read() == '2'"
    ),
    "pathlib": (
        "p = pathlib.Path('model.txt'); p.write_text('new'); assert p.read_text() == 'new' and p.stat().st_size == 3"
    ),
    "absolute": "open(os.path.abspath('model.txt'), 'w').write('new'); assert open('model.txt').read() == 'new'",
    "from another folder": (
        "os.chdir('logs'); open('../model.txt', 'w').write('n'); os.chdir('..'); assert open('model.txt').read() == 'n'"
    ),
    "through a link": (
        "os.symlink('model.txt', 'l'); open('l', 'w').write('n'); "
        "assert open('l').read() == open('model.txt').read() == 'n'"
    ),
    "by descriptor": (
        "os.write(os.open('model.txt', os.O_WRONLY | os.O_APPEND), b'+'); "
        "assert open('model.txt').read() == BEFORE + '+'"
    ),
    "truncate": (
        "os.truncate('model.txt', 4); assert open('model.txt').read() == 'what'; "
        "assert os.path.getsize('model.txt') == 4"
    ),
    "permissions": "os.chmod('model.txt', 0o600); assert os.stat('model.txt').st_mode & 0o777 == 0o600",
    "times": (
        "pathlib.Path('model.txt').touch(); os.utime('model.txt', (1, 1)); assert os.path.getmtime('model.txt') == 1"
    ),
    "remove": "os.remove('model.txt'); assert not os.path.exists('model.txt') and 'model.txt' not in os.listdir()",
    "remove a copy": "open('model.txt', 'w'); os.unlink('model.txt'); assert not pathlib.Path('model.txt').exists()",
    "remove twice": "os.remove('model.txt')\ntry:\n    os.remove('model.txt')\nexcept FileNotFoundError:\n    pass\n"
    "else:\n"
    "    raise SystemExit(1)",
    "remove and open": "os.remove('model.txt')\ntry:\n    open('model.txt')\nexcept FileNotFoundError:\n    pass\n"
    "else:\n"
    "    raise SystemExit(1)",
    "remove and make": (
        "os.remove('model.txt'); open('model.txt', 'x').write('n'); assert open('model.txt').read() == 'n'"
    ),
    "remove and append": (
        "os.remove('model.txt'); open('model.txt', 'a').write('n'); assert open('model.txt').read() == 'n'"
    ),
    "replace": "open('new', 'w').write('n'); os.replace('new', 'model.txt'); assert open('model.txt').read() == 'n'; "
    "assert not os.path.exists('new')",
    "replace twice": (
        "for t in 'ab':\n    open('new', 'w').write(t); os.replace('new', 'model.txt'); "
        "assert open('model.txt').read() == t"
    ),
    "rename onto": (
        "open('new', 'w').write('n'); pathlib.Path('new').rename('model.txt'); assert open('model.txt').read() == 'n'"
    ),
    "rename away": "os.rename('model.txt', 'o'); assert open('o').read() == BEFORE and not os.path.exists('model.txt')",
    "swap": "os.rename('model.txt', 'o'); open('model.txt', 'w').write('n'); "
    "assert (open('o').read(), open('model.txt').read()) == (BEFORE, 'n')",
    "move": "open('new', 'w').write('n'); shutil.move('new', 'model.txt'); assert open('model.txt').read() == 'n'",
    "copy onto": "open('new', 'w').write('n'); shutil.copy('new', 'model.txt'); shutil.copy2('new', 'model.txt'); "
    "assert open('model.txt').read() == 'n'",
    "from a temporary file": (
        "t = tempfile.mkstemp()[1]; shutil.move(t, 'model.txt'); assert os.path.getsize('model.txt') == 0"
    ),
    "rotated": "h = logging.handlers.RotatingFileHandler('model.txt', maxBytes=30, backupCount=2); "
    "r = logging.LogRecord\n"
    "for i in range(9):\n    h.emit(r('a', 20, 'f', 1, 'a message', (), None))\nassert os.path.exists('model.txt.2')",
    "NumPy": (
        "import numpy as np; np.save('a.npy', np.ones(3)); np.save('old.npy', np.ones(3)); "
        "assert np.load('old.npy').sum() == 3"
    ),
    "mapped": (
        "import numpy as np; m = np.load('old.npy', mmap_mode='r+'); m[0] = 7; m.flush(); "
        "assert np.load('old.npy')[0] == 7"
    ),
    "listed": (
        "open('logs/events.txt', 'w'); assert os.listdir('logs') == [e.name for e in os.scandir('logs')] == "
        "['events.txt']"
    ),
    "deleted from a list": "os.remove('logs/events.txt'); "
    "assert os.listdir('logs') == list(os.scandir('logs')) == glob.glob('logs/*') == []",
    "many": "open('model.txt', 'w')\nfor i in range(300):\n    open(f'{i}', 'w').write('x'); "
    "assert os.path.exists(f'{i}'); os.remove(f'{i}')",
    "pickled": "import pickle; assert pickle.loads(pickle.dumps(open)) is open",
    "a database": "import sqlite3; c = sqlite3.connect('study.db'); c.execute('insert into trials values (2)'); "
    "c.commit()\n"
    "assert sqlite3.dbapi2.connect('study.db').execute('select count(*) from trials').fetchone()[0] == 2",
    "a database by URI": "import sqlite3; c = sqlite3.connect(f'file:{os.getcwd()}/study.db?mode=rw', uri=True)\n"
    "c.execute('delete from trials'); c.commit()",
    "a database as a path": "from sqlite3 import dbapi2; c = dbapi2.connect(pathlib.Path('study.db'), timeout=1)\n"
    "c.execute('drop table trials')",
    "a database with a journal": "import sqlite3; c = sqlite3.connect('study.db'); "
    "c.execute('pragma journal_mode=wal')\n"
    "c.execute('delete from trials'); c.commit(); c.close()",
    "a database that is read": "import sqlite3; c = sqlite3.connect(f'file:study.db?mode=ro', uri=True)\n"
    "assert c.execute('select value from trials').fetchone()[0] == 1",
    "a new database": "import sqlite3; c = sqlite3.connect('new.db'); c.execute('create table a (b)'); c.commit(); "
    "c.close(); "
    "os.remove('new.db')",
    "in memory": (
        "import sqlite3; sqlite3.connect(':memory:').execute('create table a (b)'); "
        "sqlite3.connect('file::memory:', uri=True)"
    ),
    "a shelf": "import shelve; s = shelve.open('shelf'); s['a'] = 2; s.close(); assert shelve.open('shelf')['a'] == 2",
}


@pytest.fixture
def old(user: Project) -> Project:
    """A project with files that were there before the diagnosis began."""
    import shelve
    import sqlite3

    import numpy as np

    (user.folder / "model.txt").write_text(BEFORE)
    (user.folder / "logs").mkdir()
    (user.folder / "logs" / "events.txt").write_text(BEFORE)
    np.save(user.folder / "old.npy", np.zeros(2))
    with sqlite3.connect(user.folder / "study.db") as study:
        study.execute("create table trials (value)")
        study.execute("insert into trials values (1)")
    with shelve.open(str(user.folder / "shelf")) as shelf:
        shelf["a"] = 1
    return user


def contents(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            found[str(path)] = (status.st_ino, status.st_mode, status.st_mtime_ns, path.read_bytes())
    return found


@pytest.mark.parametrize("source", SEEN.values(), ids=SEEN.keys())
def test_a_script_sees_what_it_wrote_and_nothing_else_changes(old: Project, source: str) -> None:
    before = contents(old.folder)
    modules = "glob, logging.handlers, os, pathlib, shutil, tempfile"
    old.write(train=f"import {modules}\nBEFORE = {BEFORE!r}\n{source}\nprint('went on')")
    done = old.launch("train.py")
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr + str(old.record().ending)
    assert {path: found for path, found in contents(old.folder).items() if path in before} == before


def test_redirected_files_are_recorded(old: Project) -> None:
    old.write(train="open('model.txt', 'a')\nopen('new.txt', 'a')")
    assert old.launch("train.py").returncode == 0
    assert old.record().redirected == [str(old.folder / "model.txt")]


def test_a_large_file_is_not_copied(old: Project) -> None:
    with (old.folder / "large").open("wb") as large:
        large.truncate(2 << 30)
    old.write(train="open('large', 'w').write('a new one needs no copy')\nimport os\nos.remove('large')")
    assert old.launch("train.py").returncode == 0
    old.write(train="open('large', 'a')")
    assert old.launch("train.py").returncode == BLOCKED
    assert old.record().ending.error == "append"
    assert (old.folder / "large").stat().st_size == 2 << 30


def test_a_large_database_is_only_read(old: Project) -> None:
    import sqlite3

    with sqlite3.connect(old.folder / "large.db") as large:
        large.execute("create table a (b)")
    with (old.folder / "large.db").open("r+b") as file:
        file.truncate(2 << 30)
    old.write(
        train="""\
import sqlite3
large = sqlite3.connect("large.db")
print(large.execute("select count(*) from a").fetchone()[0])
try:
    large.execute("insert into a values (1)")
except sqlite3.OperationalError as error:
    print(error)
"""
    )
    done = old.launch("train.py")
    assert done.stdout.splitlines() == ["0", "attempt to write a readonly database"], done.stderr


def test_spawned_workers_have_copies_too(old: Project) -> None:
    old.write(
        train="""\
import multiprocessing
def work():
    open("model.txt", "a").write("more")
    print(open("model.txt").read()[-4:], flush=True)
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    process.join()
"""
    )
    done = old.launch("train.py")
    assert done.stdout == "more\n", done.stderr
    assert (old.folder / "model.txt").read_text() == BEFORE


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_see_what_was_written_before_them(old: Project, method: str) -> None:
    old.write(
        train=f"""\
import multiprocessing
def work():
    print(open("model.txt").read(), flush=True)
if __name__ == "__main__":
    open("model.txt", "w").write("new")
    process = multiprocessing.get_context({method!r}).Process(target=work)
    process.start()
    process.join()
"""
    )
    done = old.launch("train.py")
    assert done.stdout == "new\n", done.stderr


ARRAYS = {
    "tofile": "np.ones(2).tofile('old.bin'); assert np.fromfile('old.bin').sum() == 2",
    "savetxt": "np.savetxt('old.csv', np.ones(2)); assert np.loadtxt('old.csv').sum() == 2",
    "savez": "np.savez('old.npz', a=np.ones(2)); assert np.load('old.npz')['a'].sum() == 2",
    "memmap": "m = np.memmap('old.bin', mode='r+'); m[:] = 1; m.flush(); assert np.memmap('old.bin', mode='r')[0] == 1",
    "pandas": (
        "import pandas as pd; pd.DataFrame({'a': [1, 2]}).to_csv('old.csv'); assert len(pd.read_csv('old.csv')) == 2"
    ),
    "compressed": "import gzip; gzip.open('old.gz', 'w').write(b'new'); assert gzip.open('old.gz').read() == b'new'",
    "archive": (
        "import zipfile; zipfile.ZipFile('old.npz', 'a').writestr('b', 'x'); "
        "assert len(zipfile.ZipFile('old.npz').namelist()) == 2"
    ),
    "in place": "import fileinput\nfor line in fileinput.input('old.csv', inplace=True):\n    print(line.upper())",
    "configuration": (
        "import json, pathlib; json.dump({}, pathlib.Path('old.json').open('w')); "
        "assert json.load(open('old.json')) == {}"
    ),
}


@pytest.mark.parametrize("source", ARRAYS.values(), ids=ARRAYS.keys())
def test_files_of_libraries(user: Project, source: str) -> None:
    import gzip

    import numpy as np

    np.zeros(3).tofile(user.folder / "old.bin")
    np.savetxt(user.folder / "old.csv", np.zeros(3))
    np.savez(user.folder / "old.npz", a=np.zeros(3))
    (user.folder / "old.json").write_text("[]")
    with gzip.open(user.folder / "old.gz", "w") as file:
        file.write(b"old")
    before = contents(user.folder)
    user.write(train=f"import numpy as np\n{source}")
    done = user.launch("train.py")
    assert done.returncode == 0, done.stderr
    assert {path: found for path, found in contents(user.folder).items() if path in before} == before
