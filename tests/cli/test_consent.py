"""Recordings that the user has not made on this machine, such as those of a cloned repository:

nothing of theirs runs unasked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from fitdoctor.cli.consent import require_consent
from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.digest import hash_of
from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import ProcessRecord, Run
from fitdoctor.recording.save import save_run
from fitdoctor.recording.signature import save_signed
from fitdoctor.watching.request import WatchRequest
from tests.cli.conftest import FakeSession
from tests.cli.test_treat import ENVIRONMENT, requests  # noqa: F401 - a fixture
from tests.support import builders as make
from tests.support.diagnosed_runs import SLOW_INPUT, diagnosed, pipeline_fit

Call = Callable[..., Result]
EVIL = "#!/bin/sh\necho ran >> {}\n"


@pytest.fixture
def evil(project: Path) -> Path:
    """A program that leaves a trace."""
    path = project / ".fitdoctor/python"
    path.parent.mkdir()
    path.write_text(EVIL.format(project / "trace"))
    path.chmod(0o755)
    return path


def diagnosis(project: Path, name: str, *, own: bool, **changed: Any) -> Path:
    run = diagnosed(make.run(pipeline_fit()), SLOW_INPUT)
    for arm in run.rehearsals[0].arms:
        arm.batches = "same"
    values = {
        "script": "train.py",
        "target": "train.py",
        "python": sys.executable,
        "cwd": str(project),
        "fitdoctor": "0.1.0",
        **changed,
    }
    for field, value in values.items():
        setattr(run, field, value)
    assert run.scout is not None
    run.scout.environment = dict(ENVIRONMENT)
    run.scout.sources = {str(project / "train.py"): hash_of(str(project / "train.py"))}
    return kept(project / ".fitdoctor" / name, run, own=own)


def kept(folder: Path, run: Run, *, own: bool) -> Path:
    folder.mkdir(parents=True)
    (save_signed if own else save_run)(run, folder / "run.json")
    return folder


@pytest.mark.usefixtures("requests")
@pytest.mark.parametrize("arguments", [(), ("--run", "20990101-000000-train")])
def test_treat_shows_and_rejects_a_foreign_diagnosis(
    call: Call, project: Path, evil: Path, arguments: tuple[str, ...]
) -> None:
    diagnosis(project, "20990101-000000-train", own=False, python=str(evil))
    result = call("treat", *arguments, "train.py")
    assert result.exit_code == 2
    assert "which you have not recorded on this machine" in result.stderr
    assert f"run     {sys.executable} train.py" in result.stderr
    assert "change  " in result.stderr
    assert '"kind": "precompute"' in result.stderr
    assert not (project / "trace").exists()


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_treat_reads_no_file_of_a_foreign_diagnosis_before_consent(
    call: Call,
    project: Path,
    requests: list[WatchRequest],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    digest: str,
) -> None:
    with (project / "endless.py").open("wb") as stream:
        stream.truncate(4 << 40)  # takes no room on the disk
    folder = diagnosis(project, "20990101-000000-train", own=False)
    run = load_run(folder / "run.json")
    assert run.scout is not None
    run.scout.sources[str(project / "endless.py")] = digest
    save_run(run, folder / "run.json")
    asked: list[str] = []
    monkeypatch.setattr("fitdoctor.treating.diagnosis.hash_of", lambda file: asked.append(file) or hash_of(file))
    assert "which you have not recorded on this machine" in call("treat", "train.py").stderr
    assert asked == []
    result = call("treat", "--yes", "train.py")
    assert (result.exit_code, requests) == (2, [])
    assert "Received endless.py, changed since" in result.stderr


def test_treat_with_yes_still_takes_no_interpreter_from_a_foreign_diagnosis(
    call: Call,
    project: Path,
    evil: Path,
    requests: list[WatchRequest],  # noqa: F811
) -> None:
    diagnosis(project, "20990101-000000-train", own=False, python=str(evil))
    result = call("treat", "--yes", "train.py")
    assert result.exit_code == 3
    assert requests[0].python == sys.executable
    assert "Because of --yes it does:" in result.stderr
    assert not (project / "trace").exists()


def test_an_own_diagnosis_is_preferred_to_a_later_foreign_one(
    call: Call,
    project: Path,
    requests: list[WatchRequest],  # noqa: F811
) -> None:
    mine = diagnosis(project, "20260101-000000-train", own=True)
    diagnosis(project, "20990101-000000-train", own=False, python="/evil")
    result = call("treat", "train.py")
    assert result.exit_code == 3
    assert requests[0].treated is not None
    assert requests[0].treated.diagnosis.endswith(mine.name)
    assert f"Runs {sys.executable} train.py, as recorded in .fitdoctor/{mine.name}" in result.stderr


def test_a_changed_byte_makes_a_recording_foreign(call: Call, project: Path, requests: list[WatchRequest]) -> None:  # noqa: F811
    folder = diagnosis(project, "20260101-000000-train", own=True)
    data = (folder / "run.json").read_bytes()
    (folder / "run.json").write_bytes(data.replace(sys.executable.encode(), b"/tmp/evil/python"))
    assert call("treat", "train.py").exit_code == 2
    assert requests == []


@pytest.mark.parametrize(
    ("where", "changed"),
    [
        (".fitdoctor/20990101-000000-notes", {"mode": "code", "target": "open('trace', 'w')\nimport os"}),
        ("evaluate.py", {"mode": "code", "target": "open('trace', 'w')"}),
        ("notes", {"mode": "module", "target": "antigravity"}),
        ("notes", {"target": "train.py", "python": ".fitdoctor/python"}),
        ("notes", {"target": "train.py", "argv": ["--exec", "x"]}),
    ],
)
def test_diagnose_continues_from_a_foreign_run_only_with_yes(
    call: Call, session: FakeSession, project: Path, evil: Path, where: str, changed: dict[str, Any]
) -> None:
    values = {
        "fitdoctor": "1",
        "script": "x",
        "python": sys.executable,
        "cwd": ".",
        "watched": ProcessRecord(),
        **changed,
    }
    folder = kept(project / where, Run(**values), own=False)
    result = call("diagnose", str(folder))
    assert (result.exit_code, session.requests) == (2, [])
    assert "which you have not recorded on this machine" in result.stderr
    for shown in (str(values["target"]).partition("\n")[0], str(project), *values.get("argv", [])):
        assert shown in result.stderr
    assert not (project / "trace").exists()
    assert call("diagnose", "--yes", str(folder)).exit_code == 0
    assert session.requests[0].target == values["target"]


def test_the_command_is_shown_even_with_quiet_and_without_control_codes(
    call: Call, session: FakeSession, project: Path
) -> None:
    values = {
        "fitdoctor": "1",
        "script": "-c",
        "mode": "code",
        "python": sys.executable,
        "cwd": str(project),
        "watched": ProcessRecord(),
    }
    own = kept(project / "own", Run(**values, target="print(1)"), own=True)
    assert "as recorded in own." in call("diagnose", "-q", str(own)).stderr
    foreign = kept(project / "foreign", Run(**values, target="evil()\x1b[1A\x1b[2K\rgood()"), own=False)
    result = call("diagnose", "-q", "--yes", str(foreign))
    assert (result.exit_code, len(session.requests)) == (2, 1)
    assert r"-c evil()\x1b[1A\x1b[2K\rgood()" in result.stderr
    assert "\x1b" not in result.stderr


UNSEEN = [
    "\x1b]0;{}\x07",
    "\x1bP{}\x1b\\",
    "\x1b_{}\x1b\\",
    "\x9d{}\x9c",
    "\u200b{}",
    "\u202e{}",
    "\u2066{}",
    "\xad{}",
    "\ufeff{}",
    "\u2028{}",
]
UNSEEN += ["\xa0{}", "\u3000{}", "\u2800{}", "\u3164{}", "\x7f{}", "\r{}", "\t{}", "\x0c{}", "\ufe0f{}", "\U000e0041{}"]


@pytest.mark.parametrize("unseen", UNSEEN)
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("where", ["code", "target", "argv", "cwd"])
def test_invisible_characters_are_escaped_and_run_only_from_own_recordings(
    call: Call, session: FakeSession, project: Path, unseen: str, own: bool, where: str
) -> None:
    text = f"'''{unseen.format(';evil();')} '''"
    values: dict[str, Any] = {
        "fitdoctor": "1",
        "script": "x",
        "python": sys.executable,
        "cwd": str(project),
        "watched": ProcessRecord(),
    }
    values |= (
        {"mode": "code", "target": f"print({text})"} if where == "code" else {"target": "train.py", "argv": ["-x"]}
    )
    if where == "target":
        (project / text).write_text("")
        values["target"] = text
    elif where == "argv":
        values["argv"] = [text]
    elif where == "cwd":
        values["cwd"] = str(project / text)
        Path(values["cwd"]).mkdir()
        (Path(values["cwd"]) / "train.py").write_text("")
    result = call("diagnose", "--yes", str(kept(project / "a run", Run(**values), own=own)))
    assert len(session.requests) == own
    assert ("expected no signs in it that can't be seen" in result.stderr) != own
    assert ascii(unseen[0])[1:-1] in result.stderr
    assert "evil()" in result.stderr


def test_long_gaps_in_code_are_shown_as_counts(call: Call, session: FakeSession, project: Path) -> None:
    code = "print(1);" + 3000 * " " + "evil()" + 500 * "\n" + "worse()"
    values = {
        "fitdoctor": "1",
        "script": "-c",
        "mode": "code",
        "python": sys.executable,
        "cwd": str(project),
        "watched": ProcessRecord(),
    }
    result = call("diagnose", str(kept(project / "run", Run(**values, target=code), own=False)))
    assert "print(1);[3000 spaces]evil()\n            [499 empty lines]\n            worse()" in result.stderr


def test_a_script_is_never_shown_as_code(call: Call, session: FakeSession, project: Path) -> None:
    (project / "-c").write_text("evil()")
    values = {
        "fitdoctor": "1",
        "script": "-c",
        "python": sys.executable,
        "cwd": str(project),
        "watched": ProcessRecord(),
    }
    for own in (False, True):
        result = call(
            "diagnose",
            "--yes",
            str(kept(project / f"run{own}", Run(**values, target="-c", argv=["print(1)"]), own=own)),
        )
        assert (result.exit_code, session.requests) == (2, [])
        assert "expected a path that does not begin with “-”" in result.stderr


@pytest.mark.usefixtures("requests")
def test_a_change_is_shown_with_its_place(call: Call, project: Path) -> None:
    diagnosis(project, "20990101-000000-train", own=False)
    assert re.search(r"change  \{.*\} at \S*train\.py:\d+\n", call("treat", "train.py").stderr)


@pytest.mark.parametrize(("unseen", "shown"), [("\u202e", r"\u202e"), ("\ud800", r"\ud800"), ("\x9d", r"\x9d")])
def test_a_change_with_invisible_characters_is_rejected(unseen: str, shown: str) -> None:
    change = {"kind": "cache", "place": {"file": f"a{unseen}.py", "line": 1}}
    with pytest.raises(FitdoctorError) as caught:
        require_consent("run", ["python", "train.py"], folder="", changes=[change], is_own=False, yes=True)
    assert f"a{shown}.py:1" in str(caught.value)


def test_other_commands_accept_a_foreign_recording(call: Call, project: Path) -> None:
    diagnosis(project, "20990101-000000-train", own=False, python="/evil")
    for command in (("report",), ("compare", "last", "last"), ("bundle", "-o", "sent.json")):
        assert call(*command).exit_code == 0


def test_a_run_that_others_can_change_is_never_the_last(call: Call, project: Path, tmp_path: Path) -> None:
    open_, linked = diagnosis(project, "20990101-000000-open", own=False), project / ".fitdoctor/20990101-000001-linked"
    open_.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    diagnosis(project, open_.name, own=False)
    open_.chmod(0o777)
    assert "There is no run yet" in call("report", "last").stderr
    for named in (open_.name, str(open_), linked.name, str(linked)):
        assert call("report", named).exit_code == 0
        assert (
            "which you have not recorded on this machine"
            in call("diagnose", named if "/" in named else f".fitdoctor/{named}").stderr
        )
