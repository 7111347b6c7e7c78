"""A training that was only watched: its totals are what happened, and its parts sum to its wall time."""

from __future__ import annotations

import pytest

from fitdoctor.facts.budget import make_budget
from fitdoctor.facts.callbacks import callback_cost
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import CallSiteRecord, Duration, Fit
from tests.support import builders as make


def trained(**changed: object) -> Fit:
    """Four epochs of a hundred steps each, the later steps slower, with a callback and validation."""
    values: dict[str, object] = {
        "epochs": 4,
        "epochs_seen": 4,
        "cut": False,
        "step": Duration(count=396, total_s=12.0, samples_s=[0.02] * 200 + [0.04] * 196),
        "epoch_first_step": Duration(count=3, total_s=1.5, first_s=0.5, samples_s=[0.5, 0.5]),
        "callbacks": [make.callback(hooks={"on_epoch_end": make.took(0.1, 4)})],
        "validation": "data",
        "validation_first_step": make.took(0.3, 1),
        "validation_step": make.took(0.01, 39),
        "validation_overhead": make.took(0.05, 4),
    }
    return make.fit(**{**values, **changed})


def watched(fit: Fit, **more: object) -> Facts:
    seen = FitFacts(0, fit).recorded_s
    return make.watched_facts(fit, **{"fit": seen + 0.2, **more})


def test_the_parts_sum_to_the_wall_time() -> None:
    loop = CallSiteRecord(kind="predict", site=make.site(30), calls=10, run=make.took(0.05, 10, first_s=0.5))
    facts = watched(trained(), loops=[loop])
    facts.scout.parts["loops"] = loop.run.total_s
    facts.scout.wall_s += loop.run.total_s
    assert facts.total_s == pytest.approx(facts.scout.wall_s)
    assert facts.unattributed_s == pytest.approx(0.2)
    assert sum(part.s for part in make_budget(facts).parts) == pytest.approx(facts.scout.wall_s)


def test_counts_and_costs_are_the_observed_ones() -> None:
    facts = watched(trained())
    (fit,) = facts.fits
    assert (facts.basis, facts.observed, fit.epochs.mid, fit.steps("mid")) == ("observed", True, 4, 399)
    assert fit.step_s == pytest.approx(12.0 / 396)
    assert (fit.validation_passes("mid"), fit.hook_calls("on_epoch_end", "mid")) == (4, 4.0)
    assert facts.projection is facts.shortest


def test_rare_or_late_time_counts_in_full() -> None:
    """Examples: a callback that acts at every hundredth step, and an input that becomes slow at the end."""
    seldom = Duration(count=400, total_s=2.0, samples_s=[0.0] * 200)
    late = Duration(count=399, total_s=3.0, samples_s=[0.0] * 100 + [0.03] * 100)
    record = trained(
        callbacks=[make.callback(hooks={"on_train_batch_end": seldom})],
        input_drawn="function",
        input_wait=late,
        input_idle=late,
    )
    facts = watched(record)
    (fit,) = facts.fits
    assert callback_cost(fit, 0).mid == callback_cost(fit, 0).high == pytest.approx(2.0)
    assert facts.input_cost(fit)[0].mid == pytest.approx(3.0)
    parts = {part.id: part.s for part in make_budget(facts).parts}
    assert parts["callbacks"] == pytest.approx(2.0, rel=0.01)
    assert parts["input_wait"] == pytest.approx(3.0, rel=0.01)


def test_an_interrupted_training_has_its_observed_length() -> None:
    facts = watched(trained(epochs=50, teardown=Duration()))
    assert facts.fits[0].epochs.mid == 4
    assert facts.total_s == pytest.approx(facts.scout.wall_s)


def test_a_scout_takes_the_length_from_the_watched_training() -> None:
    run = make.run(
        make.fit(epochs=50, steps=None, callbacks=[make.callback("EarlyStopping", own=False, hooks={}, may_stop=True)])
    )
    assert Facts(run).basis == "upper bound"
    run.watched = make.run(trained(epochs=50, calls=1, epochs_seen=7)).scout
    facts = Facts(run)
    assert (facts.basis, facts.fits[0].epochs.mid, facts.fits[0].steps_per_epoch) == ("observed", 7, 100)
    assert not facts.observed


def test_an_interrupted_training_gives_no_length() -> None:
    run = make.run(make.fit(epochs=50))
    run.watched = make.run(trained(epochs=50, teardown=Duration())).scout
    assert Facts(run).fits[0].epochs.mid == 50


def test_compiling_again_is_no_part_of_a_step() -> None:
    """Steps on JAX, of which two had another shape: what compiling them took belongs to the first step's part."""
    record = make.fit(step_s=0.02, steps=30, recompiled=make.took(0.3, 2))
    facts, plain = make.watched_facts(record), make.watched_facts(make.fit(step_s=0.02, steps=30))
    (fit,) = facts.fits
    assert fit.step_s == pytest.approx(0.02 - 0.6 / fit.steps("mid"))
    assert facts.projection.under("fit0/recompiled") == pytest.approx(0.6)
    assert facts.total_s == pytest.approx(plain.total_s)
    assert sum(part.s for part in make_budget(facts).parts) == pytest.approx(facts.total_s)
