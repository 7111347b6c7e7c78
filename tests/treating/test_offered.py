"""A recording asks for changes that no remedy of ours offers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Run, ThreadSetting
from fitdoctor.remedies.base import Finding
from fitdoctor.remedies.environment import default_threads
from fitdoctor.report.model import Treatment
from fitdoctor.treating.diagnosis import Diagnosis
from fitdoctor.treating.offered import check_offered
from fitdoctor.treating.promise import choose
from tests.support import builders as make
from tests.support.diagnosed_runs import SLOW_INPUT, diagnosed, pipeline_fit

PLACE = {"file": "train.py", "line": 18, "position": -1}


def slow_input() -> Run:
    return diagnosed(make.run(pipeline_fit()), SLOW_INPUT)


def treatment(change: dict[str, Any]) -> Treatment:
    return Treatment(kind="fit", file="train.py", line=18, changes=(change,))


def offered(run: Run) -> dict[str, Any]:
    """A change that our remedies offer for this run."""
    for arm in run.rehearsals[0].arms:
        if arm.remedy == "precomputed-input":
            return arm.changes[0]
    raise AssertionError(run)


def test_offered_changes_are_accepted() -> None:
    run = slow_input()
    check_offered(Facts(run), [treatment(offered(run))], "run", again="train.py")
    assert choose(Diagnosis(run=run, shown="run"), {"exact", "numerics", "semantics"})[0].remedies


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "set-environment", "name": "LD_PRELOAD", "value": "evil.so"},
        {"kind": "set-environment", "name": "OMP_NUM_THREADS", "value": "1"},
        {"kind": "insert-call", "call": "save", "arguments": {"path": "/home/ann"}},
        {"kind": "set-argument", "call": "ModelCheckpoint", "argument": "filepath", "value": "x", "index": 0},
        {"kind": "set-argument", "call": "Model.fit", "argument": "epochs", "value": 1, "index": -1},
        {"kind": "throttle-hook", "call": "Own", "hook": "on_epoch_end", "every": 9, "index": 0},
        {"kind": "run-code", "code": "import os"},
        {},
    ],
)
def test_any_other_change_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FitdoctorError, match="no remedy of this fitdoctor offers there"):
        check_offered(Facts(slow_input()), [treatment({"place": PLACE, **change})], "run", again="train.py")


@pytest.mark.parametrize("field", ["place", "argument", "call"])
def test_an_offer_at_another_place_or_of_another_thing_is_another_change(field: str) -> None:
    run = slow_input()
    changed = {**offered(run), field: {"file": "/etc/passwd", "line": 1, "position": 0} if field == "place" else "evil"}
    with pytest.raises(FitdoctorError, match="no remedy"):
        check_offered(Facts(run), [treatment(changed)], "run", again="train.py")


def test_a_foreign_change_among_verified_ones_is_refused() -> None:
    run = slow_input()
    (record,) = run.rehearsals
    planted = {"kind": "set-environment", "place": PLACE, "name": "LD_PRELOAD", "value": "evil.so"}
    best = next(arm for arm in record.arms if arm.remedy == "precomputed-input")
    record.arms.append(replace(best, id="step/prescription", role="prescription", changes=[*best.changes, planted]))
    record.windows += [
        replace(window, arm="step/prescription", seconds=window.seconds / 2)
        for window in record.windows
        if window.arm == best.id
    ]
    with pytest.raises(FitdoctorError, match="LD_PRELOAD"):
        choose(Diagnosis(run=run, shown="run"), {"exact", "numerics", "semantics"})


@pytest.mark.parametrize("name", ["PATH", "PYTHONPATH", "LD_PRELOAD", "os.system", "tf.io.gfile.rmtree"])
def test_a_setting_that_a_recording_makes_up_leads_to_no_remedy(name: str) -> None:
    run = make.run(make.fit())
    assert run.scout is not None
    run.scout.threads = [ThreadSetting(name=name, value=1)]
    finding = Finding(fit=0, cause="unused-cores", cost_s=make.around(5.0), data={"settings": [name]})
    assert list(default_threads.propose(finding, Facts(run))) == []


@pytest.mark.parametrize(
    "changed", [{"kind": "run-code"}, {"place": {"file": "/etc/passwd", "line": 1, "position": -1}}]
)
def test_changes_that_are_all_made_up_are_named_as_such(changed: dict[str, Any]) -> None:
    run = slow_input()
    for arm in run.rehearsals[0].arms:
        arm.changes = [{**change, **changed} for change in arm.changes]
    with pytest.raises(
        FitdoctorError, match="which no remedy of this fitdoctor offers there; expected changes that a diagnosis"
    ):
        choose(Diagnosis(run=run, shown="run"), {"exact", "numerics", "semantics"})


def test_a_diagnosis_in_which_nothing_helped_says_so_still() -> None:
    run = diagnosed(make.run(pipeline_fit()), {})
    with pytest.raises(FitdoctorError, match="nothing was verified"):
        choose(Diagnosis(run=run, shown="run"), {"exact"})
