from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import fitdoctor
from fitdoctor.diagnosis.interrupted import DiagnosisInterruptedError
from fitdoctor.errors import FitdoctorError
from fitdoctor.recording import folder as folders
from tests.cli.conftest import FakeSession
from tests.support.report_samples import HEALTHY, INCONCLUSIVE, SLOW

Call = Callable[..., Result]


def test_the_report_goes_to_stdout_and_progress_to_stderr(call: Call, session: FakeSession) -> None:
    result = call("diagnose", "train.py")
    assert result.exit_code == 0
    assert "With 2 fixes: 12 min 50 s, 3.2× as fast" in result.stdout
    assert "learning" not in result.stdout
    assert "learning what train.py does" in result.stderr
    assert "best so far 1.08× with prefetch · 25 % of 120 s" in result.stderr
    assert "First answer" in result.stderr
    assert "\x1b" not in result.output


def test_the_request_says_what_was_asked(call: Call, session: FakeSession, project: Path) -> None:
    call("diagnose", "--budget", "30", "--allow-writes", "train.py")
    (request,) = session.requests
    assert (request.target, request.arguments, request.mode) == ("train.py", (), "script")
    assert (request.python, request.budget_s, request.allow_writes) == (sys.executable, 30.0, True)
    assert request.folder.path.parent == project / ".fitdoctor"
    assert request.folder.path.name.endswith("-train")


def test_offline_is_asked_for(call: Call, session: FakeSession) -> None:
    call("diagnose", "train.py")
    call("diagnose", "--offline", "train.py")
    assert [request.offline for request in session.requests] == [False, True]


def test_the_help_says_that_the_script_runs_several_times(call: Call) -> None:
    words = " ".join(call("diagnose", "--help").stdout.split())
    assert "The script runs several times" in words
    assert "it opens the same connections" in words


def test_arguments_after_the_target_belong_to_the_script(call: Call, session: FakeSession) -> None:
    theirs = ("--budget", "7", "-o", "x.png", "-q", "-m", "--help", "--version", "--", "-h", "plain", "")
    result = call("diagnose", "-q", "train.py", *theirs)
    assert result.exit_code == 0
    assert session.requests[0].arguments == theirs
    assert session.requests[0].budget_s == 120.0


@pytest.mark.parametrize(
    ("flag", "target", "mode", "folder"),
    [("-m", "pkg.train", "module", "pkg.train"), ("-c", "print(1)", "code", "code")],
)
def test_modules_and_code_are_targets_too(
    call: Call, session: FakeSession, flag: str, target: str, mode: str, folder: str
) -> None:
    result = call("diagnose", flag, target, "-m", "--budget=9")
    assert result.exit_code == 0
    (request,) = session.requests
    assert (request.target, request.mode, request.arguments) == (target, mode, ("-m", "--budget=9"))
    assert request.folder.path.name.endswith(f"-{folder}")


@pytest.mark.parametrize("report", [SLOW, HEALTHY, INCONCLUSIVE], ids=lambda report: report.verdict)
def test_every_verdict_ends_in_zero(call: Call, session: FakeSession, report: fitdoctor.report.model.Report) -> None:
    session.report = report
    assert call("diagnose", "train.py").exit_code == 0


def test_the_report_is_saved_with_its_run(call: Call, session: FakeSession) -> None:
    result = call("diagnose", "-q", "train.py")
    folder = session.requests[0].folder
    saved = fitdoctor.load_report(folder.path)
    assert saved.run == folder.shown
    assert f"fitdoctor report {folder.shown}" in result.stdout
    assert result.stderr == ""


def test_outputs_are_written_beside_the_terminal(call: Call, session: FakeSession, project: Path) -> None:
    result = call("diagnose", "-o", "a.json", "-o", "b.TXT", "-o", "-", "train.py")
    assert result.exit_code == 0
    assert fitdoctor.load_report("a.json").verdict == "causes"
    assert Path("b.TXT").read_text() == result.stdout
    assert result.stdout.count("Where the time goes") == 1


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("a.html", "the extension “.html”; expected one of .json, .txt, or “-” for the terminal"),
        ("report", "no extension"),
        ("missing/a.json", "does not exist"),
        ("data.csv/a.json", "data.csv is a file, not a folder"),
        ("folder.json", "is a directory"),
    ],
)
def test_outputs_that_would_fail_are_refused_at_once(call: Call, session: FakeSession, output: str, words: str) -> None:
    Path("folder.json").mkdir()
    Path("data.csv").touch()
    result = call("diagnose", "-o", output, "train.py")
    assert (result.exit_code, session.requests) == (2, [])
    assert words in result.stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("trian.py", "“trian.py”, which does not exist; expected the path of a Python script. Check the spelling"),
        ("train", "Did you mean “train.py”?"),
        ("package.train", "A module is run with -m: “fitdoctor diagnose -m package.train”."),
        ("package.trian", "Check the spelling"),
        ("data.csv", "Check the spelling"),
        ("json.tool", "A module is run with -m: “fitdoctor diagnose -m json.tool”."),
        (".", "“.”, which is a directory; expected a Python script. Name one in it: binary.py, broken.py, train.py"),
        ("package", f"Name its “package{os.sep}__main__.py”"),
        ("run", "run.json, which is damaged"),
        ("empty", "Name the script itself"),
        ("book.ipynb", "jupyter nbconvert --to script"),
        ("broken.py", "broken.py:2 is not valid Python"),
        ("binary.py", "binary.py"),
    ],
)
def test_bad_targets_get_a_message_and_run_nothing(call: Call, session: FakeSession, target: str, words: str) -> None:
    for name in ("package", "run", "empty"):
        Path(name).mkdir()
    Path("package/__main__.py").touch()
    Path("package/train.py").touch()
    Path("run/run.json").touch()
    Path("book.ipynb").write_text("{}")
    Path("broken.py").write_text("x = 1\nmodel.fit(x\n")
    Path("binary.py").write_bytes(b"\x00\xff\x00")
    result = call("diagnose", target)
    assert (result.exit_code, session.requests, result.stdout) == (2, [], "")
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not Path(".fitdoctor").exists()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read everything")
def test_an_unreadable_script_gets_a_message(call: Call, session: FakeSession) -> None:
    Path("train.py").chmod(0)
    result = call("diagnose", "train.py")
    assert result.exit_code == 2
    assert "Permission denied" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-m", "train.py"), "write “-m train”"),
        (("-m", "-c", "x"), "both -m and -c"),
        (("-c", "for"), "<string>:1 is not valid Python"),
        (("--python", "no-such-python", "train.py"), "“--python no-such-python”, which is not a program"),
        (("--budget", "0", "train.py"), "expected seconds above 0"),
        (("--budget", "nan", "train.py"), "expected seconds above 0"),
        (("--budget", "soon", "train.py"), "'soon' is not a valid float"),
        ((), "Missing argument 'TARGET'"),
        (("--bugdet", "3", "train.py"), "Did you mean"),
    ],
)
def test_bad_options_get_a_message(call: Call, session: FakeSession, arguments: tuple[str, ...], words: str) -> None:
    result = call("diagnose", *arguments)
    assert (result.exit_code, session.requests) == (2, [])
    assert words in result.stderr


def test_warnings_of_the_script_are_not_ours(
    call: Call, session: FakeSession, recwarn: pytest.WarningsRecorder
) -> None:
    Path("train.py").write_text("x = '\\d' is 1\n")
    assert call("diagnose", "train.py").exit_code == 0
    assert not recwarn.list


def test_another_interpreter_judges_the_syntax_itself(call: Call, session: FakeSession) -> None:
    Path("train.py").write_text("syntax of tomorrow\n")
    Path("python9").write_text("#!/bin/sh\n")
    Path("python9").chmod(0o755)
    assert call("diagnose", "--python", "./python9", "train.py").exit_code == 0
    assert session.requests[0].python == str(Path("python9").absolute())


def test_no_verdict_ends_in_two_with_the_log(call: Call, session: FakeSession) -> None:
    def fail(request: object, progress: object) -> None:
        session.requests[0].folder.log_file.write_text("ValueError: theirs")
        raise FitdoctorError("train.py ended before fit() with ValueError. Expected a script that trains.")

    session.does = fail
    result = call("diagnose", "-q", "train.py")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("fitdoctor: train.py ended before fit() with ValueError.")
    assert "log.txt" in result.stderr
    assert session.requests[0].folder.run_file.exists()


def test_ctrl_c_reports_the_measurements_until_then(call: Call, session: FakeSession) -> None:
    def interrupt(request: object, progress: object) -> None:
        raise DiagnosisInterruptedError(SLOW)

    session.does = interrupt
    result = call("diagnose", "train.py")
    assert result.exit_code == 130
    assert "Where the time goes" in result.stdout
    assert "Interrupted: this is what was measured until then." in result.stderr
    assert session.requests[0].folder.report_file.exists()


def test_ctrl_c_outside_the_session_reports_the_recordings(call: Call, session: FakeSession, built: list[str]) -> None:
    def interrupt(request: object, progress: object) -> None:
        raise KeyboardInterrupt

    session.does = interrupt
    result = call("diagnose", "train.py")
    assert (result.exit_code, built) == (130, ["final"])
    assert "Where the time goes" in result.stdout


def test_ctrl_c_before_any_measurement(call: Call, session: FakeSession) -> None:
    def interrupt(request: object, progress: object) -> None:
        session.requests[0].folder.run_file.unlink()
        raise KeyboardInterrupt

    session.does = interrupt
    result = call("diagnose", "-q", "train.py")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "fitdoctor: Interrupted before anything was measured.\n"
    assert not session.requests[0].folder.path.exists()


def test_a_bug_of_ours_shows_a_message_and_no_traceback(call: Call, session: FakeSession) -> None:
    def fail(request: object, progress: object) -> None:
        raise ZeroDivisionError("ours")

    session.does = fail
    result = call("diagnose", "-q", "train.py")
    assert result.exit_code == 2
    assert "ZeroDivisionError: ours\n  This is a bug of fitdoctor, not of your script." in result.stderr


def test_a_full_disk_does_not_lose_the_report(
    call: Call, session: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(request: object, progress: object) -> None:
        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)

    session.does = fill
    result = call("diagnose", "-q", "train.py")
    assert "With 2 fixes" in result.stdout
    assert "No space left on device" in result.stderr
    assert result.exit_code == 0


def test_another_folder_for_the_recordings_is_named(call: Call, session: FakeSession) -> None:
    Path(folders.ROOT_NAME).write_text("")
    result = call("diagnose", "train.py")
    assert result.exit_code == 0
    assert "can't be used" in result.stderr
    shown = result.stdout.replace(" \\\n", " ")  # a long command is continued on the next line
    assert re.search(rf"fitdoctor report +{re.escape(str(session.requests[0].folder.path))}", shown)
