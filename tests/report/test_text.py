"""Golden renderings. `FITDOCTOR_UPDATE_GOLDEN=1 pytest tests/report` writes them again; read the diff."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len

from fitdoctor.report.model import Ceiling, Interval, Location, RemedyResult, Report
from fitdoctor.report.text import render, render_first_answer
from tests.report.samples import FIRST_ANSWER, HEALTHY, SAMPLES, SLOW

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
    assert "not tried yet" in text
    compare("first_answer.short", text)


def test_a_remedy_that_is_not_tried_yet_is_told_once() -> None:
    remedies = tuple(
        RemedyResult(id="cache", title="cache", safety="exact", status="untried", unit=unit)
        for unit in ("step", "epoch")
    )
    text = render(replace(SLOW, causes=(replace(SLOW.causes[0], remedies=remedies),), stage="first answer"))
    assert text.count("not tried yet: cache") == 1


@pytest.mark.parametrize(("low_s", "told"), [(0.0, True), (100.0, True), (2400.0, False)])
def test_a_ceiling_below_what_a_cause_costs_is_not_spoken_of(low_s: float, told: bool) -> None:
    ceiling = Ceiling(kind="callbacks", speedup=1.22, measured=True)
    cause = replace(SLOW.causes[0], cost_s=Interval(low=low_s, mid=2400.0, high=2400.0), remedies=())
    text = render(replace(SLOW, causes=(cause,), ceilings=(ceiling,), prescription=None))
    assert ("The most that fixes of one kind alone can give: callbacks" in text) == told


@pytest.mark.parametrize("windows", [0, 4])
def test_a_trial_that_stands_for_two_causes_was_tried_for_both_or_for_neither(windows: int) -> None:
    arm = next(arm for arm in SLOW.tried if arm.role == "remedy")
    remedy = RemedyResult(
        id="cache", title="cache", safety="exact", status="inconclusive", unit=arm.unit, why="No time was left."
    )
    first, second = (replace(cause, remedies=(remedy,)) for cause in SLOW.causes[:2])
    text = render(
        replace(SLOW, causes=(first, second), tried=(replace(arm, remedy="cache", cause=first.id, windows=windows),))
    )
    assert text.count("? not tried: cache") == (0 if windows else 2)
    assert text.count("? tried, could not tell: cache") == (2 if windows else 0)


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


def test_what_the_user_wrote_can_not_steer_the_terminal() -> None:
    evil = Location(file="[red]a\x1b[2J\udcff.py", line=1, code="x = '\x1b]0;title\x07[bold]日本語" + "長" * 90)
    report = replace(SLOW, causes=(replace(SLOW.causes[0], locations=(evil,)),))
    text = render(report)
    assert "\x1b" not in text
    assert "[red]a" in text
    assert "[bold]" in text
    assert max(map(cell_len, text.splitlines())) <= 80
    text.encode("utf-8")


def test_causes_that_cost_the_same_wait_say_so() -> None:
    first, second = SLOW.causes[:2]
    text = render(SLOW, width=120)
    assert text.count("partly the same seconds as 1)") == 1
    half = replace(first, cost_s=Interval(low=700, mid=800, high=900))
    for causes in ((first, replace(second, family="host")), (half, second)):
        assert "the same seconds as" not in render(replace(SLOW, causes=(*causes, *SLOW.causes[2:])), width=120)


@pytest.mark.parametrize(
    ("low", "mid", "said"), [(0, 500, "up to 16 min 40 s"), (0, 0, "up to 16 min 40 s"), (400, 500, "7–17 min")]
)
def test_a_cost_that_may_be_next_to_nothing_is_told_by_its_most(low: float, mid: float, said: str) -> None:
    cause = replace(SLOW.causes[0], cost_s=Interval(low=low, mid=mid, high=1000), share=0.2)
    line = next(line for line in render(replace(SLOW, causes=(cause,))).splitlines() if "costs " in line)
    assert said in line
    assert ("up to 40 %" in line) == (mid == 500 and low == 0)


def test_a_healthy_report_does_not_talk_of_causes() -> None:
    text = render(HEALTHY)
    assert "Healthy." in text
    assert "costs" not in text


def test_nothing_at_all_can_be_rendered() -> None:
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
    assert "no fit" in render(empty)


def test_only_commands_that_exist_are_named() -> None:
    named = set(re.findall(r"fitdoctor (\w+)", "".join(render(report) for report in SAMPLES.values())))
    assert named == {"explain", "report"}


def test_tf_keras_is_named_with_what_it_runs_on() -> None:
    there = replace(SLOW.environment, keras="2.21.0", backend="tf_keras")
    assert "tf_keras 2.21.0 on TensorFlow 2.21.0, CPU" in render(replace(SLOW, environment=there), width=120)
