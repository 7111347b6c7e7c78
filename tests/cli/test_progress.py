from __future__ import annotations

import io
from pathlib import Path

import pytest

from fitdoctor.cli.progress import LiveProgress, PlainProgress, SilentProgress, progress_on
from fitdoctor.cli.terminal import OutputStyle
from tests.support.report_samples import FIRST_ANSWER


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Closed(Terminal):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def tell(progress: PlainProgress | LiveProgress | SilentProgress) -> None:
    progress.stage("learning what train.py does")
    progress.waiting("learning what train.py does, importing", 2.0)
    progress.first_answer(FIRST_ANSWER)
    progress.trial("prefetch on the step of train.py:47", 30.0, 120.0, "1.08× with prefetch")
    progress.note("A note.")
    progress.done()
    progress.done()


def test_the_stream_selects_the_progress() -> None:
    assert isinstance(progress_on(io.StringIO(), quiet=False), PlainProgress)
    assert isinstance(progress_on(Terminal(), quiet=False), LiveProgress)
    assert isinstance(progress_on(Terminal(), quiet=True), SilentProgress)


def test_a_log_gets_few_plain_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = PlainProgress(stream, clock=clock)
    for second in range(60):
        clock.now_s = float(second)
        progress.trial(f"arm {second // 4}", float(second), 120.0, "")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 6
    assert lines[0] == "fitdoctor: arm 0 - 0 % of 120 s"
    assert "\x1b" not in stream.getvalue()


def test_a_log_gets_a_line_every_few_seconds_of_a_long_stage() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = PlainProgress(stream, clock=clock)
    progress.stage("learning")
    for tick in range(60):
        clock.now_s = tick / 5
        progress.waiting("learning, importing", tick / 5)
    assert stream.getvalue().splitlines() == [
        "fitdoctor: learning",
        "fitdoctor: learning, importing - 5 s",
        "fitdoctor: learning, importing - 10 s",
    ]


def test_a_terminal_gets_one_line_that_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    tell(LiveProgress(stream))
    output = stream.getvalue()
    assert "prefetch on the step of train.py:47\x1b[2m · 25 % of 120 s" in output
    assert "A note." in output
    assert "\x1b[?25h" in output, "the cursor is not back"


def test_a_wide_terminal_also_shows_the_best_and_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "110")
    stream = Terminal()
    tell(LiveProgress(stream))
    assert "train.py:47\x1b[2m · best so far 1.08× with prefetch · ███░░░░░░░░░ 25 % of 120 s" in stream.getvalue()


def test_places_of_the_first_answer_are_links(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    LiveProgress(stream).first_answer(FIRST_ANSWER)
    assert f";file://{project}/train.py#42\x1b" in stream.getvalue()


def test_quiet_progress_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    tell(SilentProgress())
    assert capsys.readouterr() == ("", "")


def test_a_closed_stream_does_not_end_a_diagnosis() -> None:
    tell(PlainProgress(Closed()))
    tell(LiveProgress(Closed()))


@pytest.mark.parametrize(
    ("variable", "value", "color", "links"),
    [
        ("TERM", "xterm-256color", True, True),
        ("TERM", "linux", True, False),
        ("TERM", "dumb", False, False),
        ("NO_COLOR", "1", False, False),
        ("FORCE_HYPERLINK", "0", True, False),
    ],
)
def test_colors_and_links_depend_on_the_terminal(
    variable: str, value: str, color: bool, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_HYPERLINK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "93")
    monkeypatch.setenv(variable, value)
    assert OutputStyle.for_stream(Terminal()) == OutputStyle(width=93, color=color, links=links)


def test_files_and_pipes_get_plain_text() -> None:
    assert OutputStyle.for_stream(io.StringIO()) == OutputStyle(ascii_only=True)
    assert OutputStyle.for_stream(io.TextIOWrapper(io.BytesIO(), encoding="latin-1")) == OutputStyle(ascii_only=True)
    assert OutputStyle.for_stream(io.TextIOWrapper(io.BytesIO(), encoding="UTF8")) == OutputStyle()
