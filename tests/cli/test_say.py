"""What a message may hold: anything, and the terminal stays as it is."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from fitdoctor.cli.main import COMMANDS, _cleaned
from fitdoctor.cli.say import put, say

Call = Callable[..., Result]
TITLE = "\x1b]0;title\x07"
BACKWARDS = "\u202e"


def test_no_text_in_a_message_can_begin_a_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"Could not read “a\nfitdoctor: All is well.{TITLE}”.")
    assert capsys.readouterr().err == "fitdoctor: Could not read “a\n  fitdoctor: All is well.”.\n"


def test_a_terminal_without_utf8_gets_what_it_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    put("“2.9×” of \udcff", stream)
    assert raw.getvalue() == b'"2.9x" of  \n'
    monkeypatch.setattr(sys, "stderr", None)
    say("nobody hears this")


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_messages_are_wrapped_and_paths_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    path = "/data/" + "a-long-name/" * 6 + "model.keras"
    say(
        f"Could not write to {path} since there is no room left on that disk.\n  new: a fitdoctor: file that "
        + "is " * 9
    )
    assert terminal.getvalue().splitlines() == [
        "fitdoctor: Could not write to",
        f"  {path}",
        "  since there is no room left on that disk.",
        "    new: a fitdoctor: file that is is is is is is",
        "      is is is",
    ]


def test_what_click_says_is_wrapped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr(sys, "stderr", Terminal())
    error = _cleaned(click.UsageError("Received both -m and -c; expected one of them: a target is either."))
    assert error.format_message().splitlines() == [
        "Received both -m and -c; expected one of",
        "  them: a target is either.",
    ]
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("diagnose", f"a{TITLE}.py"),
        ("diagnose", f"--{TITLE}"),
        ("diagnose", "--budget", TITLE, "train.py"),
        ("diagnose", "-m", f"a.{BACKWARDS}b c"),
        ("diagnose", "-c", f"x = ({TITLE}"),
        ("diagnose", "--python", TITLE, "train.py"),
        ("watch", "-o", f"{TITLE}.exe", "train.py"),
        ("treat", "--allow", TITLE, "train.py"),
        ("treat", f"a{TITLE}.py"),
        ("report", TITLE),
        ("compare", TITLE, BACKWARDS),
        ("bundle", "-o", TITLE),
        ("explain", TITLE),
        ("env", "-o", TITLE),
        (TITLE,),
        (f"{TITLE}.py",),
        ("report", "a", TITLE),
    ],
)
def test_arguments_come_back_harmless(call: Call, arguments: tuple[str, ...]) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.stderr
    for stream in (result.stdout, result.stderr):
        assert all(line.isprintable() for line in stream.split("\n"))


@pytest.mark.parametrize("field", ["fitdoctor", "version", "script"])
def test_a_recording_comes_back_harmless(call: Call, project: Path, field: str) -> None:
    recording = {"version": 999, "fitdoctor": "1", "script": "t", "scout": None, "rehearsals": [], field: f"1{TITLE}"}
    (project / "sent.fitdoctor.json").write_text(json.dumps(recording))
    for command in ("report", "bundle"):
        result = call(command, "sent.fitdoctor.json")
        assert result.exit_code == 2
        assert "\x1b" not in result.stdout + result.stderr


def fitdoctor(*arguments: str | bytes, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fitdoctor", *arguments],  # type: ignore[list-item]
        capture_output=True,
        check=False,
        text=True,
        errors="surrogateescape",
        cwd=cwd,
        env={**os.environ, **environment},
    )


HELP = """
import sys
from fitdoctor.cli.main import COMMANDS, _cleaned, main
for name in COMMANDS:
    sys.argv = ["fitdoctor", name, "--help"]
    try:
        main()
    except SystemExit as end:
        assert end.code == 0, (name, end.code)
"""
ASCII = {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1", "cp437", "utf-8:strict"])
def test_every_page_of_help_can_be_shown(project: Path, encoding: str) -> None:
    command = [sys.executable, "-c", HELP]
    environment = {**os.environ, **ASCII, "PYTHONIOENCODING": encoding}
    ended = subprocess.run(command, capture_output=True, check=False, cwd=project, env=environment)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.count(b"Usage: fitdoctor") == len(COMMANDS)


def test_a_file_name_that_is_not_utf8_is_named_somehow(project: Path) -> None:
    for environment in (ASCII, {"PYTHONIOENCODING": "utf-8:strict"}):
        ended = fitdoctor("diagnose", b"a\xff\x1b[1m.py", cwd=project, **environment)
        assert ended.returncode == 2
        assert "which does not exist" in ended.stderr
        assert "\x1b" not in ended.stderr
        assert "Traceback" not in ended.stderr
