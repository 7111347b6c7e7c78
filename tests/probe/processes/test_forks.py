"""A process that the script forks writes no record, takes no commands, and its fits are noted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.recording.notes import SUFFIX, read_notes
from tests.bad_input.conftest import FAKES_PATH, MODEL
from tests.support.projects import Project

CALLED = (
    "import os, sys\n"
    + MODEL
    + """\
def predict():
    model.predict(x)
if os.fork() == 0:
    predict()
    {end}
os.wait()
predict()
"""
)
LINE = 8
ENDS = {
    "os._exit": "os._exit(0)",
    "sys.exit": "sys.exit(3)",
    "an error": "raise ValueError('bad')",
    "the end": "sys.exit()",
}


@pytest.fixture(autouse=True)
def fake_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", FAKES_PATH)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_forked_process_does_not_answer_commands(user: Project, end: str) -> None:
    user.write(train=CALLED.format(end=end))
    commands, ours = os.pipe()
    replies, theirs = os.pipe()
    site = {"kind": "loop", "loop_kind": "predict", "file": str(user.folder / "train.py"), "line": LINE}
    passed: dict[str, Any] = {"commands": commands, "replies": theirs, "site": site}
    os.write(ours, b'{"do": "quit"}\n')
    user.launch("train.py", role="rehearsal", pass_fds=(commands, theirs), **passed)
    os.close(theirs)
    with os.fdopen(replies) as stream:
        said = [json.loads(line) for line in stream]
    os.close(commands)
    os.close(ours)
    assert [reply["reached"] for reply in said] == [True]


@pytest.mark.parametrize("role", ["scout", "watch"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_the_record_is_that_of_the_scripts_own_process(user: Project, role: str, end: str) -> None:
    user.write(train=CALLED.format(end=end).replace("model.predict(x)", "model.fit(x, epochs=2)") + "sys.exit(5)\n")
    user.launch("train.py", role=role)
    record = user.record()
    assert (record.ending.how, record.ending.code) == ("exit", 5)
    assert [fit.calls for fit in record.fits] == [1]
    (other,) = [each for each in read_notes(user.ours / f"record.json{SUFFIX}").others if each.fits]
    assert other.kind == "forked"
    assert other.site is not None
    assert (Path(other.site.file).name, other.site.line) == ("train.py", 9)


@pytest.mark.parametrize(
    "how", ["os.system('ls -l /proc/self/fd')", "os.spawnlp(os.P_WAIT, 'ls', 'ls', '-l', '/proc/self/fd')"]
)
def test_the_pipes_are_not_those_of_other_programs(user: Project, how: str) -> None:
    user.write(train=f"import os\n{how}\n")
    commands, ours = os.pipe()
    replies, theirs = os.pipe()
    site = {"kind": "fit", "file": "train.py", "line": 1}
    inode = f"pipe:[{os.fstat(theirs).st_ino}]"
    done = user.launch(
        "train.py", role="rehearsal", pass_fds=(commands, theirs), commands=commands, replies=theirs, site=site
    )
    for descriptor in (commands, ours, replies, theirs):
        os.close(descriptor)
    assert "pipe" in done.stdout
    assert inode not in done.stdout


def test_a_real_training_in_a_fork_is_not_cut(user: Project) -> None:
    fork = "if os.fork() == 0:\n    print(len(model.fit(x, epochs=7).epoch), flush=True)\n    os._exit(0)\nos.wait()\n"
    user.write(train="import os\n" + MODEL + fork)
    assert user.launch("train.py", role="watch").stdout == "7\n"
