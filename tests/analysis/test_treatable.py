"""The command that trains with a prescription, as a report prints it."""

from __future__ import annotations

import pytest

from fitdoctor.analysis import build
from fitdoctor.recording.model import Run
from tests.support import builders as make
from tests.support.diagnosed_runs import QUICK, diagnosed


def eager(weights: str) -> Run:
    record = make.fit(step_s=0.02, function_s=0.018, epochs=50, run_eagerly=True)
    run = diagnosed(make.run(record), {**QUICK, "step/compiled-step": 4.0})
    for arm in run.rehearsals[0].arms:
        arm.weights = weights
    run.target, run.python, run.argv = "train.py", "/usr/bin/python3", ["--epochs", "3"]
    return run


@pytest.mark.parametrize(
    ("weights", "command"),
    [
        ("same", "fitdoctor treat train.py --epochs 3"),
        ("close", "fitdoctor treat --allow numerics train.py --epochs 3"),
        ("different", "fitdoctor treat --allow numerics,semantics train.py --epochs 3"),
    ],
)
def test_the_command_allows_exactly_the_safety_of_the_prescription(weights: str, command: str) -> None:
    report = build(eager(weights))
    assert report.prescription is not None
    assert report.treat == command


@pytest.mark.parametrize("target", ["--python=./evil", "-c", "--yes"])
def test_a_target_that_would_be_read_as_an_option_is_not_suggested(target: str) -> None:
    run = eager("same")
    run.target, run.argv = target, ["train.py"]
    assert build(run).treat == ""


@pytest.mark.parametrize("unseen", ["\x1b[", "a\x1b]0;b\x07", "\u202e", "a\nb"])
def test_nor_is_one_with_what_can_not_be_seen(unseen: str) -> None:
    run = eager("same")
    run.argv = [unseen]
    assert build(run).treat == ""
