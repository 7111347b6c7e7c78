"""Reports of a diagnosis, or of a watched training, that was interrupted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fitdoctor.analysis import build
from fitdoctor.recording.model import Duration, Ending, Run
from fitdoctor.report.text import render
from tests.support import builders as make
from tests.support.diagnosed_runs import QUICK, diagnosed


def in_trials(at: str = "trials") -> Run:
    """Ended before any of its remedies was timed."""
    run = diagnosed(make.run(make.fit(step_s=0.001, epochs=400)), QUICK)
    run.rehearsals[0].windows = [window for window in run.rehearsals[0].windows if "larger" not in window.arm]
    run.rehearsals[0].ending = Ending(how="interrupted")
    run.interrupted = at
    return run


@pytest.mark.parametrize("at", ["trials", "races"])
def test_an_interruption_is_the_first_line_of_the_report(at: str) -> None:
    report = build(in_trials(at))
    assert f"interrupted during the {at} at train.py:18" in report.interrupted
    assert report.limits[0] == report.interrupted
    text = " ".join(render(replace(report, script="train.py")).split())
    assert text.startswith(f"! {report.interrupted}")
    assert text.count(report.interrupted) == 1


def test_an_interruption_is_the_reason_for_untried_fixes() -> None:
    report = build(in_trials())
    text = " ".join(render(report).split())
    assert "not tried. The diagnosis was interrupted before it was tried." in text
    assert "budget was used up" not in text
    assert "not decided" not in text
    assert (report.verdict, "interrupted before the trials were finished" in report.verdict_text) == (
        "inconclusive",
        True,
    )


def test_an_interrupted_diagnosis_is_never_healthy() -> None:
    run = diagnosed(make.run(make.fit(step_s=0.004, epochs=100)), QUICK)
    assert build(run).verdict == "healthy"
    run.interrupted = "trials"
    assert build(run).verdict == "inconclusive"


def test_an_interrupted_scout_tried_no_fix() -> None:
    run = make.run(make.fit(step_s=0.001, epochs=400))
    run.interrupted = "scout"
    report = build(run, stage="first answer")
    assert report.interrupted == "The diagnosis was interrupted during the first run of the script: no fix was tried."


def test_a_watched_training_names_the_epoch() -> None:
    run = make.watched(make.fit(epochs=6, epochs_seen=2, cut=False, teardown=Duration()))
    assert run.watched is not None
    run.watched.ending = Ending(how="interrupted", site=make.site(18))
    report = build(run)
    assert report.interrupted.startswith("The training was interrupted in epoch 3 of 6 (fit at train.py:18)")
    run.watched.ending = Ending(how="killed", message="SIGTERM")
    assert build(run).interrupted.startswith("The training was killed in epoch 3 of 6")


def test_a_later_call_of_the_same_fit_counts_its_own_epochs() -> None:
    run = make.watched(make.fit(epochs=6, epochs_seen=13, calls=3, cut=False, teardown=make.took(0.05, 2)))
    assert run.watched is not None
    run.watched.ending = Ending(how="exception", error="ValueError", site=make.site(18))
    assert "failed in epoch 2 of 6 (fit at train.py:18, call 3)" in build(run).interrupted


def test_complete_runs_report_no_interruption() -> None:
    assert build(make.watched(make.fit(cut=False))).interrupted == ""
    assert build(make.run(make.fit())).interrupted == ""
    left_later = make.watched(make.fit(cut=False))
    assert left_later.watched is not None
    left_later.watched.ending = Ending(how="interrupted")
    assert build(left_later).interrupted == ""
