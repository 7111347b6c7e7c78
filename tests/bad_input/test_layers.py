"""Diagnoses of scripts that write do not change the user's files, with a scratch layer and without one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bad_input.conftest import FIT, MODEL, REHEARSED, TOO_LONG_S, Lab
from tests.process.conftest import FORBIDDEN

WRITES = {
    "a library in C": (
        "import ctypes\nc = ctypes.CDLL(None)\ndef save():\n    d = c.open(b'results.txt', 0o1001, 0o600)\n"
        "    assert d >= 0 and c.write(d, b'new', 3) == 3\n    c.close(d)\n"
    ),
    "another program": (
        "import subprocess\ndef save(): subprocess.run('echo new > results.txt', shell=True, check=True)\n"
    ),
    "another folder": (
        "import os, shutil, time\ndef save():\n    shutil.move('results', f'results-{time.time_ns()}');"
        " os.makedirs('results')\n    open('results/weights.txt', 'w').write('new')\n"
    ),
    "a data base": (
        "import sqlite3\ndef save():\n    s = sqlite3.connect('results.txt.db')\n"
        "    s.execute('create table if not exists t (x)'); s.execute('insert into t values (1)'); s.commit()\n"
    ),
    "a link": (
        "import os\ndef save():\n    os.path.lexists('latest') and os.remove('latest')\n    os.symlink('results',"
        " 'latest')\n"
    ),
}


def make_files(lab: Lab) -> None:
    (lab.folder / "results").mkdir()
    (lab.folder / "results" / "weights.txt").write_text("precious")
    (lab.folder / "latest").symlink_to("nowhere")


def found(lab: Lab) -> dict[str, str]:
    links = {
        str(path.relative_to(lab.folder)): str(path.readlink()) for path in lab.folder.rglob("*") if path.is_symlink()
    }
    return {**lab.files(), **links}


@pytest.mark.parametrize("way", WRITES)
def test_files_of_the_user_stay_unchanged(lab: Lab, way: str) -> None:
    make_files(lab)
    script = WRITES[way] + MODEL + "save()\n" + FIT + "save()\n"
    ended = lab.diagnose(script, budget="6", results__txt="precious")
    assert (ended.code, ended.processes) == (0, ()), ended.err
    assert found(lab) == {
        "train.py": script, "results.txt": "precious", "results/weights.txt": "precious", "latest": "nowhere",
    }  # fmt: skip
    out = " ".join(ended.out.split())
    assert "Your files are as they were." in out
    assert "What your script would have changed on disk" in out


def test_losses_are_named_before_many_new_files(lab: Lab) -> None:
    make_files(lab)
    script = (
        "import os, shutil\nos.makedirs('many')\nfor i in range(300): open('many/%03d.txt' % i, 'w').write('x')\n"
        "shutil.rmtree('results')\nopen('zz_data.csv', 'w').write('replaced')\n"
    )
    ended = lab.diagnose(script + MODEL + FIT, zz_data__csv="precious")
    assert "disk · deleted: results · changed: zz_data.csv · new: many/ (300 files) · Your files are" in " ".join(
        ended.out.split()
    )
    (report,) = lab.folder.glob(".fitdoctor/*/report.json")
    assert json.loads(report.read_text())["changed_files"] == [
        "deleted: results",
        "changed: zz_data.csv",
        "new: many/ (300 files)",
    ]


LOSES = "import shutil\nshutil.rmtree('results')\nopen('new.txt', 'w').write('x')\n"


def test_without_a_verdict_the_message_says_what_would_have_changed(lab: Lab) -> None:
    make_files(lab)
    ended = lab.diagnose(LOSES + "raise ValueError('bad')\n")
    assert (ended.code, (lab.folder / "results" / "weights.txt").read_text()) == (2, "precious")
    said = " ".join(ended.err.split())
    assert "Your script would have changed on disk: deleted: results new: new.txt Your files are as they were." in said
    assert "Run with python, it does change them." in said


def test_without_a_verdict_and_a_layer_the_message_says_why(lab: Lab) -> None:
    lab.environment["FITDOCTOR_LAYER"] = "0"
    ended = lab.diagnose("raise ValueError('bad')\n")
    assert (ended.code, "There was no scratch layer" in " ".join(ended.err.split())) == (2, True)


def test_a_script_that_kills_its_parent_loses_the_list_and_that_is_said(lab: Lab) -> None:
    make_files(lab)
    kills = LOSES + "import os, signal\n"
    ended = lab.diagnose(
        kills + MODEL + FIT + "import time; time.sleep(1.3)\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(3)\n"
    )
    assert "What your script would have changed on disk is not known in whole" in " ".join(
        (ended.out + ended.err).split()
    )
    assert (lab.folder / "results" / "weights.txt").read_text() == "precious"
    assert ended.processes == ()


def test_lock_files_are_removed(lab: Lab) -> None:
    lock = (
        "import os, sys\nif os.path.exists('train.lock'): sys.exit('another one runs')\nopen('train.lock',"
        " 'x').close()\n"
    )
    ended = lab.diagnose(lock + MODEL + FIT, budget="12")
    assert ended.code == 0
    assert "another one runs" not in ended.out
    assert not (lab.folder / "train.lock").exists()


def test_a_missing_layer_is_a_limit_of_the_report(lab: Lab) -> None:
    lab.environment["FITDOCTOR_LAYER"] = "0"
    ended = lab.diagnose(MODEL + FIT)
    assert "There was no scratch layer: the variable FITDOCTOR_LAYER=0 switched it off." in " ".join(ended.out.split())
    assert "Changed on disk" not in ended.out


def test_a_diagnosis_that_is_killed_leaves_no_layer(lab: Lab) -> None:
    lab.write("open('ready', 'w').write('x')\nimport time\ntime.sleep(10**6)\n")
    process = lab.start("--budget", "60", "train.py")
    lab.wait_for("ready")
    process.kill()
    process.communicate()
    until_s = time.monotonic() + TOO_LONG_S
    while (lab.processes() or list(lab.folder.rglob("*-layer"))) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert list(lab.folder.rglob("*-layer*")) == []
    assert list(lab.folder.rglob("kept-layers")) == []


def test_without_privileges_the_write_guard_protects_files(lab: Lab) -> None:
    script = "open('results.txt', 'a').write('new')\n" + MODEL + FIT
    lab.write(script, results__txt="precious")
    command = [
        sys.executable,
        "-c",
        FORBIDDEN,
        sys.executable,
        "-m",
        "fitdoctor",
        "diagnose",
        "--budget",
        "4",
        "train.py",
    ]
    done = subprocess.run(
        command,
        cwd=lab.folder,
        env=lab.environment_of_child(),
        capture_output=True,
        text=True,
        timeout=TOO_LONG_S,
        check=False,
    )
    out = " ".join(done.stdout.split())
    assert "There was no scratch layer: this system allows no namespace (Operation not permitted)." in out
    assert (done.returncode, lab.files()) == (0, {"train.py": script, "results.txt": "precious"})


def test_a_script_that_clears_up_our_folder_works_as_alone(lab: Lab) -> None:
    clears = (
        "import glob, shutil\nfor p in glob.glob('.fitdoctor*'): shutil.rmtree(p)\nassert not"
        " glob.glob('.fitdoctor*')\n"
    )
    ended = lab.diagnose("open('new.txt', 'w').write('x')\n" + clears + MODEL + FIT, budget="6")
    assert (ended.code, "run.json" in lab.kept()) == (0, True), ended.err
    said = " ".join(ended.out.split())
    assert "What your script would have changed on disk · new: new.txt · Your files are as they were." in said
    assert "raised" not in said


def test_allowed_writes_change_the_real_files(lab: Lab) -> None:
    ended = lab.diagnose(
        "open('results.txt', 'w').write('new')\n" + MODEL + FIT, "--allow-writes", "train.py", results__txt="precious"
    )
    assert (ended.code, ended.files["results.txt"]) == (0, "new")
    assert "scratch layer" not in ended.out


def test_a_shell_loop_continues_after_a_diagnosis(lab: Lab) -> None:
    lab.write(MODEL + FIT)
    (lab.folder / "again.py").write_text("import sys\nassert sys.stdin.read() == ''\n" + MODEL + FIT)
    (lab.folder / "list").write_text("train.py\nagain.py\ntrain.py\n")
    command = f'{sys.executable} -m fitdoctor diagnose -q --budget 3 --race-budget 0 "$s" >/dev/null 2>&1'
    loop = f'while read s; do {command}; echo "$s $?"; done < list'
    process = subprocess.run(
        ["bash", "-c", loop],
        cwd=lab.folder,
        env=lab.environment_of_child(),
        capture_output=True,
        text=True,
        timeout=TOO_LONG_S,
        check=True,
    )
    assert process.stdout.splitlines() == ["train.py 0", "again.py 0", "train.py 0"]


@pytest.mark.parametrize("layer", ["1", "0"])
def test_a_daemon_without_its_environment_is_ended(lab: Lab, layer: str) -> None:
    lab.environment["FITDOCTOR_LAYER"] = layer
    away = "import subprocess\nsubprocess.Popen(['sleep', '54321'], start_new_session=True, env={}, cwd='/')\n"
    ended = lab.diagnose(away + MODEL + FIT)
    assert ended.code == 0
    assert "What your script left running was ended with it: sleep 54321." in " ".join(ended.out.split())
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert b"sleep\x0054321\x00" not in lines


def test_concurrent_diagnoses_are_reported(lab: Lab) -> None:
    waits = "import time\nopen('ready', 'w').close()\n" + f"if not {REHEARSED}: time.sleep(4)\n"
    lab.write(waits + MODEL + FIT)
    first = lab.start("--budget", "12", "--race-budget", "0", "train.py")
    lab.wait_for("ready")
    second = lab.end(lab.start("--budget", "12", "--race-budget", "0", "train.py"))
    ended = lab.end(first)
    # Other tests may run diagnoses at the same time, so the order is not known.
    said = " ".join(second.err.split())
    assert re.search(r"Another diagnosis was running on this machine: process \d+ \(.*(diagnose|pytest)", said)
    assert "Another diagnosis was running on this machine" in " ".join(second.out.split())
    assert re.search("Another diagnosis (was running|began) on this machine", " ".join(ended.out.split()))
