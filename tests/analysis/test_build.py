"""From recordings to reports: causes, remedies, prescriptions, limits, and figures that stay finite."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitdoctor.analysis import build, sentences
from fitdoctor.changes.environment import of_process
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Arm, CallSiteRecord, Ending, Fit, Operation, Rehearsal
from fitdoctor.report.model import Report
from fitdoctor.report.text import render
from fitdoctor.trials.plan import combine, plan_environments
from tests.causes import test_idle_workers, test_unused_cores
from tests.support import builders as make
from tests.support.diagnosed_runs import QUICK, SLOW_INPUT, diagnosed, pipeline_fit


def figures(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [found for item in value.values() for found in figures(item)]
    if isinstance(value, list | tuple):
        return [found for item in value for found in figures(item)]
    return [value] if isinstance(value, float) else []


def test_a_slow_pipeline() -> None:
    report = build(diagnosed(make.run(pipeline_fit()), SLOW_INPUT))
    assert report.verdict == "causes"
    assert [cause.id for cause in report.causes] == ["python-in-pipeline", "per-sample-map"]
    first = report.causes[0]
    assert (first.status, first.locations[0].file, first.locations[0].line) == ("measured", "train.py", 9)
    (remedy,) = first.remedies
    assert remedy.status == "measured"
    assert remedy.speedup
    assert remedy.unit_ratio
    assert 1.05 < remedy.speedup.mid < remedy.unit_ratio.mid
    assert (remedy.verified_safety, remedy.quality) == ("exact", "")
    assert "python-in-pipeline costs" in report.verdict_text
    assert report.prescription is not None
    assert report.prescription.remedies == ("precomputed-input",)
    assert report.prescription.measured_together
    assert report.ceilings[0].kind == "input"
    assert {part.id for part in report.budget.parts} >= {"input_wait", "device", "host", "start"}


def test_refuted_causes_are_dropped_and_their_trials_kept() -> None:
    report = build(diagnosed(make.run(pipeline_fit()), SLOW_INPUT))
    assert "missing-prefetch" not in {cause.id for cause in report.causes}
    assert {arm.remedy: arm.verdict for arm in report.tried}["prefetch"] == "refuted"
    assert [arm.role for arm in report.tried][:2] == ["placebo", "ceiling"]


def test_remedies_that_were_measured_together_are_prescribed_together() -> None:
    run = diagnosed(make.run(pipeline_fit()), SLOW_INPUT)
    arm = combine(Facts(run), run.rehearsals[0])
    assert arm is not None
    run.rehearsals[0].arms.append(arm)
    run.rehearsals[0].windows += make.windows(arm.id, 0.02 / 5.0)
    report = build(run)
    assert report.prescription is not None
    assert set(report.prescription.remedies) == {"precomputed-input", "batched-map"}
    assert report.prescription.measured_together
    assert len(report.prescription.how) == 2
    assert report.tried[-1].role == "prescription"
    assert report.prescription.speedup.mid > max(r.speedup.mid for c in report.causes for r in c.remedies if r.speedup)


def test_remedies_of_different_units_are_combined_by_projection() -> None:
    record = pipeline_fit(callbacks=[make.callback(hooks={"on_epoch_end": make.took(1.0, 2)})])
    ratios = {**SLOW_INPUT, "epoch_end/rarer-callback-every-5-epochs": 5.0}
    report = build(diagnosed(make.run(record), ratios))
    assert report.prescription is not None
    assert set(report.prescription.remedies) == {"precomputed-input", "rarer-callback"}
    assert not report.prescription.measured_together


def test_a_remedy_at_two_units_counts_at_both() -> None:
    hooks = {"on_epoch_end": make.took(1.0, 2), "on_train_batch_end": make.took(0.01, 61)}
    record = make.fit(callbacks=[make.callback(hooks=hooks)], function_s=0.005, epochs=50)
    ratios = {"step/rarer-callback-every-50-batches": 2.0, "epoch_end/rarer-callback-every-5-epochs": 5.0}
    report = build(diagnosed(make.run(record), {**QUICK, **ratios}))
    assert {remedy.unit for remedy in report.causes[0].remedies} == {"step", "epoch_end"}
    assert report.prescription is not None
    assert report.prescription.remedies == ("rarer-callback",)
    assert len(report.prescription.how) == 2


def test_a_remedy_that_changes_the_numbers_is_not_recommended() -> None:
    run = diagnosed(
        make.run(make.fit(step_s=0.001, epochs=400)), {"step/larger-execution-8": 3, "step/larger-execution-32": 4}
    )
    for arm in run.rehearsals[0].arms:
        arm.weights = "different"
    report = build(run)
    assert report.verdict == "healthy"
    assert report.prescription is None
    assert all("differ" in arm.why for arm in report.tried if arm.unit == "step" and arm.role == "remedy")


def test_other_settings_of_a_remedy_are_listed_with_the_best() -> None:
    run = diagnosed(
        make.run(make.fit(step_s=0.001, epochs=400)), {"step/larger-execution-8": 1.01, "step/larger-execution-32": 4}
    )
    report = build(run)
    remedy = next(each for cause in report.causes for each in cause.remedies if each.id == "larger-execution")
    assert (remedy.status, remedy.how) == ("measured", "model.compile(…, steps_per_execution=32)")
    assert [(variant.label, variant.verdict) for variant in remedy.variants] == [("8", "refuted")]
    assert "also tried, and no better: the value 8 (1.01×, no gain)" in render(report)


def test_costs_are_estimates_before_the_trials() -> None:
    report = build(make.run(pipeline_fit()), stage="first answer")
    assert (report.stage, report.verdict) == ("first answer", "inconclusive")
    assert {cause.status for cause in report.causes} == {"estimated"}
    assert {remedy.status for cause in report.causes for remedy in cause.remedies} == {"untried"}
    assert "3 causes are suspected" in report.verdict_text
    assert "step" in {part.id for part in report.budget.parts}


def test_a_loop_of_predict() -> None:
    loop = CallSiteRecord(kind="predict", site=make.site(30), calls=4000, rows=1, run=make.took(0.05, 40, first_s=0.5))
    report = build(diagnosed(make.run(loops=[loop]), {"call/predict-on-batch": 50.0}))
    assert (report.verdict, report.causes[0].id) == ("causes", "predict-in-a-loop")
    assert report.training.basis == "observed"
    assert report.training.loops[0].calls == 4000
    assert report.prescription is not None
    assert report.prescription.speedup.mid > 10


def test_each_limit_is_listed_once() -> None:
    run = diagnosed(make.run(make.fit(steps=None)), QUICK)
    assert run.scout
    run.limits = ["Twice."]
    run.scout.limits = ["Twice."]
    run.scout.ending = Ending(how="exception", error="ValueError", message="bad", site=make.site(40))
    limits = build(run).limits
    assert limits.count("Twice.") == 1
    assert any("ValueError: bad at" in sentence for sentence in limits)
    assert any("is unknown" in sentence for sentence in limits)


@pytest.mark.parametrize("script", ["train.py", "./train.py", "/home/ann/train.py"])
def test_files_below_the_scripts_folder_are_named_from_there(script: str) -> None:
    run = make.run(make.fit(site=make.site(18)), make.fit(site=replace_file(3, "/home/ann/lib/data.py")))
    run.script = script
    files = [fit.site.file for fit in build(run).training.fits]
    assert files == ["train.py", "lib/data.py"]


def test_files_of_a_module_are_named_from_where_it_ran() -> None:
    run = make.run(make.fit(site=replace_file(3, "/home/ann/pkg/train.py")))
    run.script, run.mode, run.cwd = "pkg.train", "module", "/home/ann"
    assert build(run).training.fits[0].site.file == "pkg/train.py"


def replace_file(line: int, file: str) -> Any:
    return replace(make.site(line), file=file)


wild = st.floats(min_value=0, max_value=1e12)


@settings(max_examples=60, deadline=None)
@given(
    step_s=wild,
    hook_s=wild,
    one_off_s=wild,
    epochs=st.integers(min_value=0, max_value=10**9),
    steps=st.one_of(st.none(), st.integers(min_value=0, max_value=10**9)),
    ratio=st.floats(min_value=1e-9, max_value=1e9),
    wall_s=wild,
)
def test_all_figures_are_finite_for_any_recording(
    step_s: float, hook_s: float, one_off_s: float, epochs: int, steps: int | None, ratio: float, wall_s: float
) -> None:
    record = pipeline_fit(step_s=step_s, callbacks=[make.callback(hooks={"on_epoch_end": make.took(hook_s, 2)})])
    record.epochs, record.steps_per_epoch = epochs, steps
    loop = CallSiteRecord(kind="predict", site=make.site(30), calls=epochs, rows=1, run=make.took(hook_s, 40))
    run = make.run(record, loops=[loop])
    assert run.scout
    run.scout.wall_s = wall_s
    run = diagnosed(run, dict.fromkeys((*SLOW_INPUT, "call/predict-on-batch"), ratio))
    for rehearsal in run.rehearsals:
        for arm in rehearsal.arms:
            arm.one_off_s = one_off_s
    for report in (build(run), build(run, stage="first answer")):
        assert all(math.isfinite(figure) for figure in figures(asdict(report)))
        assert sum(part.s for part in report.budget.parts) == pytest.approx(report.budget.total_s, rel=1e-6, abs=1e-6)


def test_an_arm_that_is_not_planned_any_more_is_reported() -> None:
    stranger = Rehearsal(
        target="fit",
        index=7,
        arms=[
            Arm(id="x", role="remedy", unit="step", remedy="gone", cause="gone"),
            Arm(id="b", role="baseline", unit="step"),
        ],
        windows=[*make.windows("x", 0.01), *make.windows("b", 0.02)],
    )
    report = build(make.run(make.fit(), rehearsals=[stranger]))
    assert [arm.remedy for arm in report.tried] == ["gone"]


def test_every_report_can_be_shown() -> None:
    reports: list[Report] = [
        build(diagnosed(make.run(pipeline_fit()), SLOW_INPUT)),
        build(make.run(pipeline_fit()), stage="first answer"),
        build(make.run()),
    ]
    for report in reports:
        assert report.verdict_text.split(".")[0][:20].split()[0] in render(report, width=100)


def test_an_environment_that_helps_is_prescribed_and_named() -> None:
    facts = test_unused_cores.bad()
    (comparison,) = plan_environments(facts)
    ratios = {"process/default-threads": 1.8}
    record = make.rehearse(comparison, ratios, rounds=3, jitter=0.002)
    facts.run.rehearsals.append(record)
    report = build(facts.run)
    (cause,) = [cause for cause in report.causes if cause.id == "unused-cores"]
    assert cause.status == "measured"
    assert report.prescription is not None
    assert report.prescription.remedies == ("default-threads",)
    (treatment,) = report.prescription.treatments
    assert [change["name"] for change in of_process(treatment.changes)] == ["TF_NUM_INTRAOP_THREADS"]
    assert "step in several processes" in " ".join(str(report).split())


@pytest.mark.parametrize(("times", "named"), [(2, False), (0.1, True)])
def test_proven_causes_are_listed_before_suspected_ones(
    times: float, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "FAR_MORE", times)
    run = diagnosed(test_idle_workers.bad().run, {"step/input-free": 4.0})
    (rehearsal,) = run.rehearsals
    for arm in rehearsal.arms:
        if arm.role == "remedy":
            rehearsal.windows = [window for window in rehearsal.windows if window.arm != arm.id]
    report = build(run)
    assert [(cause.id, cause.status) for cause in report.causes] == [
        ("slow-generator", "measured"),
        ("idle-workers", "estimated"),
    ]
    assert report.verdict_text.startswith("slow-generator")
    assert ("Suspected, and not proven: idle-workers may cost up to" in report.verdict_text) == named


def stalled(*, python: bool, **changed: Any) -> Fit:
    """Its first batch of each epoch comes late."""
    source = Operation(name="from_generator", position=0, site=make.site(9, "from_generator(rows)"), python=python)
    first = make.took(0.02 + 2.0, 2)
    return make.fit(
        input_kind="tf.data", operations=make.chain(source, ("batch", 10)), epoch_first_step=first, **changed
    )


def untried(fit: Fit) -> Report:
    """The report of a diagnosis whose time was up before the turn of any remedy."""
    run = diagnosed(make.run(fit), QUICK)
    for rehearsal in run.rehearsals:
        remedies = {arm.id for arm in rehearsal.arms if arm.role == "remedy"}
        rehearsal.windows = [window for window in rehearsal.windows if window.arm not in remedies]
    return build(run)


@pytest.mark.parametrize(("python", "root"), [(True, "python-in-pipeline"), (False, "repeated-preprocessing")])
def test_a_symptom_is_listed_after_its_root_unless_its_own_remedy_is_proven(python: bool, root: str) -> None:
    report = untried(stalled(python=python))
    assert [cause.id for cause in report.causes][:2] == [root, "first-batch-stall"]
    assert f"It may only be a symptom of {root}." in report.verdict_text

    proven = build(diagnosed(make.run(stalled(python=python)), {**QUICK, "epoch/persistent-input": 1.8}))
    assert proven.causes[0].id == "first-batch-stall"
    assert "It may only be" not in proven.verdict_text


def test_the_verdict_names_a_proven_root() -> None:
    waited = {
        "epoch_first_wait": make.took(2.0, 2),
        "input_wait": make.took(0.001, 50),
        "input_idle": make.took(0.001, 50),
    }
    report = untried(stalled(python=True, input_drawn="function", **waited))
    assert report.verdict_text.startswith("python-in-pipeline costs")
    assert "Also proven: first-batch-stall." in report.verdict_text
    assert render(report).count("cache: not tried") == 1
    assert "cache: see cause" in render(report)  # it treats two causes
