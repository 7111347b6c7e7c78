"""The report of a watched training: as it ran, without promises."""

from __future__ import annotations

from dataclasses import replace

from fitdoctor.analysis import build
from fitdoctor.recording.model import Run
from fitdoctor.report.text import render
from tests.support import builders as make


def shown(run: Run) -> str:
    return render(replace(build(run), run=".fitdoctor/20260317-101502-train"), width=100)


def slow() -> Run:
    """A callback takes most of the time, and input may take the rest."""
    plotter = make.callback(hooks={"on_epoch_end": make.took(2.0, 10)})
    run = make.watched(make.fit(epochs_seen=10, seen=999, cut=False, callbacks=[plotter]), fit=60.0)
    run.python, run.cwd, run.target = "/usr/bin/python", "/home/ann", "train.py"
    return run


def test_a_timed_cost_is_measured_and_other_costs_are_estimated() -> None:
    report = build(slow())
    assert (report.verdict, report.stage, report.training.basis) == ("causes", "watched", "observed")
    assert [cause.id for cause in report.causes if cause.status == "measured"] == ["slow-callback"]
    assert report.tried == ()
    assert report.prescription is None


def test_the_text_says_that_no_fix_was_tried() -> None:
    text = shown(slow())
    assert "It took:      1 min" in text
    assert "no fix was tried" in " ".join(text.split())
    assert "as it stands" not in text
    assert "fitdoctor diagnose .fitdoctor/20260317-101502-train" in text


def test_a_watched_training_without_causes_is_not_healthy() -> None:
    run = make.watched(make.fit(step_s=1e-5, epochs_seen=10, seen=999, cut=False), start=600.0, imports=1.0, fit=2.0)
    run.watched.parts["start"] = 600.0  # type: ignore[union-attr]
    text = shown(run)
    assert build(run).verdict == "inconclusive"
    assert "Healthy" not in text
    assert "Only watched." in text
    assert "fitdoctor diagnose" not in text
