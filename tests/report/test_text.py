"""Golden renderings. `FITDOCTOR_UPDATE_GOLDEN=1 pytest tests/report` writes them again; read the diff."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len

from fitdoctor.report.model import Ceiling, Interval, Location, RemedyResult, Report
from fitdoctor.report.text import render, render_first_answer
from tests.support.report_samples import FIRST_ANSWER, HEALTHY, INCONCLUSIVE, SAMPLES, SLOW

GOLDEN = Path(__file__).parent / "golden"


def compare(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("FITDOCTOR_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SAMPLES)
def test_reports_look_as_agreed(name: str, width: int) -> None:
    compare(f"{name}.{width}", render(SAMPLES[name], width=width))


def test_the_ascii_report_looks_as_agreed() -> None:
    text = render(SLOW, ascii_only=True)
    assert text.isascii()
    compare("slow.ascii", text)


def test_the_first_answer_looks_as_agreed() -> None:
    text = render_first_answer(FIRST_ANSWER)
    assert "no fix has been tried yet" in text
    compare("first_answer.short", text)


def test_a_remedy_that_was_not_tried_is_listed_once() -> None:
    remedies = tuple(
        RemedyResult(id="cache", title="cache", safety="exact", status="untried", unit=unit)
        for unit in ("step", "epoch")
    )
    text = render(replace(SLOW, causes=(replace(SLOW.causes[0], remedies=remedies),), stage="first answer"))
    assert text.count("cache: not tried") == 1


@pytest.mark.parametrize(("low_s", "shown"), [(0.0, True), (100.0, True), (2400.0, False)])
def test_an_upper_limit_below_the_cost_of_a_cause_is_not_shown(low_s: float, shown: bool) -> None:
    ceiling = Ceiling(kind="callbacks", speedup=1.22, measured=True)
    cause = replace(SLOW.causes[0], cost_s=Interval(low=low_s, mid=2400.0, high=2400.0), remedies=())
    text = render(replace(SLOW, causes=(cause,), ceilings=(ceiling,), prescription=None))
    assert ("Upper limit:  even without callbacks" in text) == shown


@pytest.mark.parametrize("windows", [0, 4])
def test_a_trial_for_two_causes_is_listed_once(windows: int) -> None:
    arm = next(arm for arm in SLOW.tried if arm.role == "remedy")
    remedy = RemedyResult(
        id="cache", title="cache", safety="exact", status="inconclusive", unit=arm.unit, why="No time was left."
    )
    first, second = (replace(cause, remedies=(remedy,)) for cause in SLOW.causes[:2])
    text = render(
        replace(SLOW, causes=(first, second), tried=(replace(arm, remedy="cache", cause=first.id, windows=windows),))
    )
    assert text.count("? cache: tried, not decided. No time was left.") == (1 if windows else 0)
    assert text.count("? cache: not tried. No time was left.") == (0 if windows else 1)
    assert text.count("? cache: see cause 1") == 1


@pytest.mark.parametrize("width", [60, 80, 100, 120, 250])
@pytest.mark.parametrize("report", SAMPLES.values(), ids=SAMPLES)
def test_no_line_is_too_wide_and_no_figure_breaks(report: Report, width: int) -> None:
    lines = render(report, width=width).splitlines()
    assert max(map(cell_len, lines)) <= min(width, 120)
    assert not [line for line in lines if line != line.rstrip()]
    for line, following in pairwise(lines):
        assert not (re.search(r"\d$", line) and re.match(r"\s*(%|ms|s|min|h|×)\b", following)), (line, following)
        assert line.count("[") == line.count("]") or "│" in line or "how:" in line


def test_plain_text_has_no_escape_codes_and_colour_has() -> None:
    assert "\x1b" not in render(SLOW)
    colored = render(SLOW, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == render(SLOW)


def test_the_users_text_can_not_control_the_terminal() -> None:
    evil = Location(file="[red]a\x1b[2J\udcff.py", line=1, code="x = '\x1b]0;title\x07[bold]日本語" + "長" * 90)
    report = replace(SLOW, causes=(replace(SLOW.causes[0], locations=(evil,)),))
    text = render(report)
    assert "\x1b" not in text
    assert "[red]a" in text
    assert "[bold]" in text
    assert max(map(cell_len, text.splitlines())) <= 80
    text.encode("utf-8")


def test_causes_of_the_same_wait_refer_to_each_other() -> None:
    first, second = SLOW.causes[:2]
    text = render(SLOW, width=120)
    assert text.count("partly the same seconds as cause 1).") == 1
    half = replace(first, cost_s=Interval(low=700, mid=800, high=900))
    for causes in ((first, replace(second, family="host")), (half, second)):
        assert "the same seconds as" not in render(replace(SLOW, causes=(*causes, *SLOW.causes[2:])), width=120)


@pytest.mark.parametrize(
    ("low", "mid", "said"), [(0, 500, "up to 16 min 40 s"), (0, 0, "up to 16 min 40 s"), (400, 500, "7–17 min")]
)
def test_a_wide_cost_shows_only_its_upper_end(low: float, mid: float, said: str) -> None:
    cause = replace(SLOW.causes[0], cost_s=Interval(low=low, mid=mid, high=1000), share=0.2)
    line = next(line for line in render(replace(SLOW, causes=(cause,))).splitlines() if "Costs " in line)
    assert said in line
    assert ("up to 40 %" in line) == (mid == 500 and low == 0)


def test_a_healthy_report_shows_no_costs() -> None:
    text = render(HEALTHY)
    assert "Healthy." in text
    assert "Costs" not in text


def test_an_empty_report_can_be_rendered() -> None:
    empty = replace(
        SLOW,
        training=replace(SLOW.training, fits=(), projected_s=0.0, basis="unknown"),
        budget=replace(SLOW.budget, total_s=0.0, parts=(), unattributed_s=0.0),
        causes=(),
        tried=(),
        ceilings=(),
        limits=(),
        prescription=None,
        run="",
        changed_files=(),
    )
    assert "As it stands: at least 0 s." in render(empty)


def test_only_commands_that_exist_are_named() -> None:
    named = set(re.findall(r"fitdoctor (\w+)", "".join(render(report) for report in SAMPLES.values())))
    assert named == {"explain", "report"}


def test_tf_keras_is_named_with_what_it_runs_on() -> None:
    there = replace(SLOW.environment, keras="2.21.0", backend="tf_keras")
    assert "tf_keras 2.21.0 on TensorFlow 2.21.0 · CPU" in render(replace(SLOW, environment=there), width=120)


def test_places_are_links_where_the_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my code").mkdir()
    (tmp_path / "my code" / "train.py").write_text("pass")
    report = replace(SLOW, script="my code/train.py")
    link = f"]8;id=[0-9-]+;file://{tmp_path}/my%20code/train.py#42\x1b"
    assert re.search(link, render(report, color=True, links=True))
    assert "\x1b]8" not in render(report, color=True)
    assert "\x1b" not in render(report, links=True)


def test_no_link_leads_to_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = render(replace(SLOW, script="code/train.py"), color=True, links=True)
    assert "code/train.py:42" in text
    assert "\x1b]8" not in text


@pytest.mark.parametrize(("here", "shown"), [(".", "code/train.py:42"), ("code", " train.py:42"), ("other", "")])
def test_places_are_relative_to_the_current_folder(
    here: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("code", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "code" / "train.py").write_text("pass")
    monkeypatch.chdir(tmp_path / here)
    text = render(replace(SLOW, script="code/train.py"), ran_in=str(tmp_path), width=250)
    assert (shown or f"{tmp_path}/code/train.py:42") in text


def test_no_file_outside_of_the_current_folder_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "train.py").write_text("pass")
    for script in ("../train.py", str(tmp_path / "train.py")):
        assert "\x1b]8" not in render(replace(SLOW, script=script), color=True, links=True)


def test_places_in_sentences_are_relative_to_the_current_folder_too() -> None:
    limit = "No time was left for trials at train.py:47. The file other.py:3 is not ours."
    text = " ".join(render(replace(SLOW, script="code/train.py", limits=(limit,))).split())
    assert "at code/train.py:47. The file other.py:3 is" in text


def test_a_long_command_is_continued_so_that_it_can_be_copied() -> None:
    run = "/a/folder/that/is/long/" * 3 + "with a space"
    lines = render(replace(SLOW, run=run)).splitlines()
    start = next(index for index, line in enumerate(lines) if "fitdoctor report" in line)
    command = "\n".join(lines[start : start + 2]).replace("\\\n", "")  # as a shell reads it
    assert shlex.split(command) == ["fitdoctor", "report", run]


def test_no_sentence_of_a_report_is_there_twice() -> None:
    for report in SAMPLES.values():
        lines = [line.strip() for line in render(report, width=250).splitlines()]
        sentences = [line for line in lines if line.endswith(".") and len(line) > 20]
        assert len(sentences) == len(set(sentences))


def test_a_finished_diagnosis_says_nothing_is_pending() -> None:
    for report in SAMPLES.values():
        assert "yet" not in render(report)


def test_an_inconclusive_diagnosis_can_be_continued_with_more_time() -> None:
    text = render(replace(INCONCLUSIVE, can_go_on=True, seconds={"budget": 120.0}))
    assert "fitdoctor diagnose --budget 240 .fitdoctor/20260317-101502-train" in text
