"""A program in a sandbox reads everything as it is and sees its own writes; nothing of the real files changes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fitdoctor.process import layer_changes
from fitdoctor.process.layer import Overlay
from tests.process.conftest import FORBIDDEN, Box

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such layers")

OVERWRITES = {
    "python": "open('results.txt', 'w').write('new')",
    "appends": "open('results.txt', 'a').write('new')",
    "in place": "f = open('results.txt', 'r+'); f.seek(2); f.write('new'); f.close()",
    "mapped": "import mmap\nf = open('results.txt', 'r+b'); m = mmap.mmap(f.fileno(), 0); m[:3] = b'new'; m.flush()",
    "C": (
        "import ctypes\nc = ctypes.CDLL(None)\nd = c.open(b'results.txt', 0o1001, 0o600)\nassert d >= 0\n"
        "c.write(d, b'new', 3)"
    ),
    "shell": "import os\nassert os.system('echo new > results.txt') == 0",
    "exec": "import os\nos.execv('/bin/sh', ['sh', '-c', 'echo new > results.txt'])",
    "replaced": "import os\nopen('t', 'w').write('new'); os.replace('t', 'results.txt')",
    "removed": "import os\nos.remove('results.txt')",
    "emptied": "import os\nos.truncate('results.txt', 0)",
    "fork": "import os\nif os.fork() == 0:\n    open('results.txt', 'w').write('new')\n    os._exit(0)\nos.wait()",
    "worker": (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"open('results.txt', 'w')\"], check=True)"
    ),
    "by another name": "import os\nos.link('results.txt', 'hard'); open('hard', 'w').write('new')",
    "by a link": "import os\nos.symlink('results.txt', 'soft'); open('soft', 'w').write('new')",
    "by its real path": "import os\nopen(os.path.realpath('results.txt'), 'w').write('new')",
    "by a descriptor's path": (
        "import os\nd = os.open('.', os.O_RDONLY)\nopen(f'/proc/self/fd/{d}/results.txt', 'w').write('new')"
    ),
    "mode": "import os\nos.chmod('results.txt', 0)",
    "time": "import os\nos.utime('results.txt', (0, 0))",
}


@pytest.mark.parametrize("way", OVERWRITES)
def test_no_write_reaches_an_existing_file(box: Box, way: str) -> None:
    path = box.write("results.txt")
    before = path.stat()
    done = box.run(OVERWRITES[way])
    assert (done.layered, done.code, done.out.strip()) == (True, 0, "")
    assert box.files() == {"results.txt": "precious"}
    after = path.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ctime_ns, after.st_ino) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_ctime_ns,
        before.st_ino,
    )
    assert done.left == ["child"]


def test_the_program_sees_what_it_wrote(box: Box) -> None:
    box.write("data/a.txt", "a")
    box.write("data/b.txt", "b")
    done = box.run(
        "import os, shutil\n"
        "assert open('data/a.txt').read() == 'a'\n"
        "open('data/a.txt', 'w').write('A'); os.remove('data/b.txt'); open('data/c.txt', 'w').write('C')\n"
        "print(sorted(os.listdir('data')), open('data/a.txt').read(), os.getcwd())\n"
        "shutil.rmtree('data'); os.mkdir('data'); print(os.listdir('data'))\n"
    )
    assert done.out.splitlines() == [f"['a.txt', 'c.txt'] A {box.folder}", "[]"]
    assert box.files() == {"data/a.txt": "a", "data/b.txt": "b"}


def test_changes_in_the_layer_are_reported(box: Box) -> None:
    for name in ("changed", "deleted", "opened", "read"):
        box.write(f"{name}.txt")
    done = box.run(
        "import os\nopen('changed.txt', 'w').write('x'); os.remove('deleted.txt'); "
        "open('opened.txt', 'a').close(); open('read.txt')\n"
        "os.makedirs('deep/er'); open('deep/er/new.txt', 'w'); os.makedirs('__pycache__'); "
        "open('__pycache__/x.pyc', 'w')\n"
    )
    assert done.changed(box.folder) == {"changed.txt": "changed", "deleted.txt": "deleted", "deep/er/new.txt": "new"}


def test_a_renamed_folder_is_reported_by_both_names(box: Box) -> None:
    box.write("results/weights.txt")
    done = box.run("import os, shutil\nshutil.move('results', 'old'); os.mkdir('empty')")
    changed = done.changed(box.folder)
    assert changed.pop("results") == "deleted"
    assert changed.pop("empty/") == "new"
    assert [path.partition("/")[0] for path in changed] == ["old"]


def test_what_a_folder_held_that_was_removed_and_made_again_is_told(box: Box) -> None:
    box.write("results/old.txt")
    box.write("results/kept.txt")
    done = box.run(
        "import os, shutil\nshutil.rmtree('results'); os.mkdir('results'); open('results/kept.txt', 'w').write('new')"
    )
    assert done.changed(box.folder) == {"results/old.txt": "deleted", "results/kept.txt": "changed"}


def test_many_new_files_do_not_hide_what_was_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_changes, "MOST_CHANGES", 3)
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for name in ("a", "b", "c", "d", "e", "z"):
        for folder in (upper, lower) if name == "z" else (upper,):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(str(folder))
    found, more = layer_changes.changes([Overlay(path="/p", lower=str(lower), upper=str(upper))], [])
    assert found == [("new", "/p/a"), ("new", "/p/b"), ("new", "/p/c"), ("changed", "/p/z")]
    assert more == {"new": 2}


def test_folders_and_links_can_be_moved(box: Box) -> None:
    box.write("results/weights.txt")
    (box.folder / "latest").symlink_to("results")
    done = box.run(
        "import os, shutil\nshutil.move('results', 'old'); os.remove('latest'); "
        "os.symlink('old', 'latest')\nprint(os.listdir('latest'))"
    )
    assert done.out.strip() == "['weights.txt']"
    assert box.files() == {"latest": "-> results", "results/weights.txt": "precious"}


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/dev/shm", "~"])
def test_places_for_temporary_files_are_in_the_layer(box: Box, place: str) -> None:
    name = f"fitdoctor-test-{os.getpid()}"
    done = box.run(
        f"import os\npath = os.path.join(os.path.expanduser({place!r}), {name!r})\n"
        "open(path, 'w').write('x')\nprint(path)"
    )
    assert done.code == 0, done.out
    assert not Path(done.out.strip()).exists()


def test_locks_and_shared_memory_work(box: Box) -> None:
    done = box.run(
        "import multiprocessing as m\nfrom multiprocessing import shared_memory\n"
        "s = shared_memory.SharedMemory(create=True, size=100); s.buf[0] = 7\n"
        "t = shared_memory.SharedMemory(s.name); print(t.buf[0]); t.close(); s.close(); s.unlink()\n"
        "m.Lock(); q = m.SimpleQueue(); p = m.get_context('fork').Process(target=q.put, args=(3,)); "
        "p.start(); print(q.get()); p.join()\n"
    )
    assert done.out.split() == ["7", "3"]


def test_existing_shared_memory_is_readable_and_kept(box: Box) -> None:
    path = Path(f"/dev/shm/fitdoctor-test-{os.getpid()}")
    path.write_text("precious")
    path.chmod(0o666)
    try:
        done = box.run(
            f"print(open({str(path)!r}).read())\ntry: open({str(path)!r}, 'w').write('x')\nexcept OSError: pass"
        )
        assert (done.out.strip(), path.read_text()) == ("precious", "precious")
    finally:
        path.unlink()


def test_sockets_can_be_reached(box: Box) -> None:
    path = box.folder / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o777)
        listening.listen()
        done = box.run("import socket\ns = socket.socket(socket.AF_UNIX); s.connect('socket'); print('connected')")
    assert done.out.strip() == "connected"


def test_the_program_keeps_its_user_and_ends_as_it_does(box: Box) -> None:
    done = box.run("import os, sys\nprint(os.getuid(), os.getgid())\nsys.exit(7)")
    expected = box.user if box.user is not None else os.getuid()
    assert done.out.split()[0] == str(expected)
    assert done.code == 7
    assert box.run("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)").code == -9


def test_writes_to_the_folder_of_the_child_are_real(box: Box) -> None:
    done = box.run(
        "import json, os\nnotes = os.environ['NOTES']; n = json.load(open(notes)); n['mine'] = 1\njson.dump(n,"
        " open(notes, 'w'))"
    )
    assert done.notes.pop("spawned_s") > 0
    assert done.notes == {"isolated": True, "network_namespace": False, "mine": 1}
    assert done.changes == []


def test_nothing_of_ours_is_in_the_way_of_a_script_that_clears_up(box: Box) -> None:
    box.write("results/weights.txt")
    box.write("run/older/run.json")
    done = box.run(
        "import os, shutil\nprint(sorted(os.listdir('run')))\nshutil.rmtree('run'); shutil.rmtree('results')\n"
        "os.mkdir('run'); os.mkdir('run/child'); print(os.path.exists(os.environ['NOTES']))"
    )
    assert (done.layered, done.code, done.out.splitlines()) == (True, 0, ["['older']", "True"])
    assert (done.notes["isolated"], box.files()) == (True, {"results/weights.txt": "precious"})


def test_without_a_layer_writes_are_real(box: Box) -> None:
    done = box.run("open('results.txt', 'w').write('new')", layered=False)
    assert (done.layered, done.notes["isolated"], box.files()) == (False, False, {"results.txt": "new"})


def test_each_program_starts_with_the_real_files(box: Box) -> None:
    lock = "import os, sys\nif os.path.exists('train.lock'): sys.exit('locked')\nopen('train.lock', 'x')\nos._exit(0)"
    assert [box.run(lock).code for _ in range(2)] == [0, 0]


def test_caches_are_kept_for_the_next_program_but_not_really_written(box: Box) -> None:
    box.write("cache/old.txt", "old")
    first = box.run(
        "import os\nopen('cache/new.txt', 'w').write('new'); open('cache/old.txt', 'w').write('changed')\n"
        "os.makedirs('none/yet', exist_ok=True); open('none/yet/x.txt', 'w').write('x'); open('other.txt', 'w')"
    )
    second = box.run(
        "import os\nprint(*(open(n).read() for n in ('cache/new.txt', 'cache/old.txt', 'none/yet/x.txt')), "
        "os.path.exists('other.txt'))"
    )
    assert (first.layered, second.out.split()) == (True, ["new", "changed", "x", "False"])
    assert box.files() == {"cache/old.txt": "old"}


def test_a_folder_deep_below_folders_of_other_users(box: Box, tmp_path_factory: pytest.TempPathFactory) -> None:
    deep = Path(f"/var/tmp/fitdoctor-test-{os.getpid()}/team/ann")
    deep.mkdir(parents=True)
    try:
        if box.user is not None:
            os.chown(deep, box.user, box.user)
        done = box.run(f"open('{deep}/out.txt', 'w').write('x'); print(open('{deep}/out.txt').read())")
        assert (done.layered, done.out.strip(), list(deep.iterdir())) == (True, "x", [])
    finally:
        shutil.rmtree(deep.parents[1])


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can mount")
def test_another_file_system_within_the_folder(box: Box) -> None:
    box.write("ckpt/a.txt")
    box.write("runs/b.txt")
    (box.folder / "data").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", str(box.folder / "data")], check=True)
    try:
        (box.folder / "data" / "real.txt").write_text("real")
        (box.folder / "data" / "real.txt").chmod(0o644)
        done = box.run(
            "import os\nprint(open('data/real.txt').read()); open('new.txt', 'w').write('x'); "
            "open('ckpt/a.txt', 'w').write('y')"
        )
        assert (done.layered, done.code, done.out.strip()) == (True, 0, "real")
        if box.user is None:
            done = box.run(
                "import os, shutil\nshutil.rmtree('runs'); os.rename('ckpt', 'old'); open('data/x', 'w').write('x')"
            )
            assert (done.code, done.out) == (0, "")
        assert box.files() == {"ckpt/a.txt": "precious", "runs/b.txt": "precious", "data/real.txt": "real"}
    finally:
        subprocess.run(["umount", str(box.folder / "data")], check=True)


def test_a_socket_with_a_relative_name(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(box.folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("relative")
        Path("relative").chmod(0o777)
        listening.listen()
        done = box.run("import socket\nsocket.socket(socket.AF_UNIX).connect('relative'); print('connected')")
    assert done.out.strip() == "connected"


def test_names_with_special_characters(tmp_path: Path) -> None:
    folder = tmp_path / "a b,c:d=e\\f ü\n"
    folder.mkdir()
    box = Box(folder, None)
    box.write("results.txt")
    done = box.run("open('results.txt', 'w').write('new'); open('x,y:z', 'w')")
    assert (done.layered, done.code, box.files()) == (True, 0, {"results.txt": "precious"})


def test_an_unprivileged_layer_refuses_a_folder_of_another_group(box: Box) -> None:
    if box.user is None:
        pytest.skip("root has no such limit")
    (box.folder / "shared").mkdir()
    os.chown(box.folder / "shared", box.user, 0)
    done = box.run("print('ran')")
    assert not done.layered
    assert "belongs to another user or group" in done.why
    assert done.out.strip() == "ran"


def test_a_writable_folder_of_another_user(box: Box, tmp_path: Path) -> None:
    if box.user is None:
        pytest.skip("root owns everything")
    shared = Path(f"/var/tmp/fitdoctor-test-{os.getpid()}")
    shared.mkdir()
    shared.chmod(0o777)
    try:
        done = box.run(f"open('{shared}/x', 'w').write('x')")
        assert done.layered
        assert not list(shared.iterdir())
    finally:
        shared.rmdir()


def test_without_namespaces_the_reason_is_reported(box: Box) -> None:
    box.prefix = [sys.executable, "-c", FORBIDDEN]
    done = box.run("print('ran')")
    assert (done.layered, done.notes["isolated"]) == (False, False)
    assert "allows no namespace" in done.why
    assert done.out.strip() == "ran"
