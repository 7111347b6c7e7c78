from __future__ import annotations

import pytest

from fitdoctor.causes.host.recompilation import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import CallSiteRecord, Duration, InputArray
from tests.support import builders as make


def steps(samples: list[float], **changed: object) -> Facts:
    took = Duration(count=len(samples), total_s=sum(samples), samples_s=samples)
    return make.facts(make.fit(**{"jit_compile": True, "step": took, "function": took, **changed}))  # type: ignore[arg-type]


def bad() -> Facts:
    """The first 40 steps of an epoch of 100."""
    return steps([0.01, 1.0, 0.01, 1.0, 0.01, 0.01, 1.0, 0.01] * 5)


def good() -> Facts:
    return steps([1.0] + [0.01] * 39)


def test_slow_steps_are_those_that_compile() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.low == pytest.approx(15 * 0.99)
    assert finding.cost_s.high == pytest.approx(15 * 0.99 * 2.5)
    assert finding.evidence[0].text == "15 of 40 steps took 1.0 s, the others 10 ms."


def test_slow_steps_are_found_where_a_sample_is_the_mean_of_several() -> None:
    took = Duration(count=401, total_s=8 + 10.0, first_s=2.0, samples_s=([0.01] * 9 + [0.01 + 0.99 / 4]) * 10)
    (finding,) = check(make.facts(make.fit(jit_compile=True, step=took, function=took)))
    assert finding.cost_s.low == pytest.approx(10 * 0.99)
    assert finding.evidence[0].text == "10 of 401 steps took 1.0 s, the others 10 ms."


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_batch_that_comes_late_compiles_nothing(backend: str) -> None:
    """What a backend does not tell of was not compiled; and the train function does not wait for its batch where the
    loop does.
    """
    facts = bad()
    facts.scout.environment["backend"] = backend
    assert list(check(facts)) == []
    waits = Duration(count=40, total_s=15.0, samples_s=[0.01] * 40)
    assert list(check(steps([0.01, 1.0] * 20, function=waits))) == []


def test_a_whole_epoch_has_all_shapes() -> None:
    (finding,) = check(steps([0.01, 1.0] * 20, steps=30))
    assert finding.cost_s.high == finding.cost_s.low


def test_it_is_detected_if_most_steps_compile() -> None:
    assert len(list(check(steps([0.01, 1.0, 1.0, 1.0] * 5)))) == 1


@pytest.mark.parametrize(
    "changed",
    [{"jit_compile": False}, {"inputs": [InputArray(name="x", container="tf.data", dtype="float32", shape=[None, 8])]}],
)
def test_other_fits_are_not_reported(changed: dict[str, object]) -> None:
    assert list(check(steps([0.01, 1.0] * 20, **changed))) == []


def calls(samples: list[float], **changed: object) -> Facts:
    run = Duration(count=1 + len(samples), total_s=2.0 + sum(samples), first_s=2.0, samples_s=samples)
    values = {
        "kind": "train_on_batch",
        "site": make.site(30, "model.train_on_batch(x, y)"),
        "calls": len(samples) + 1,
        "run": run,
    }
    return make.facts(
        loops=[CallSiteRecord(**{**values, "jit_compile": True, "compile_site": make.site(12), **changed})]
    )  # type: ignore[arg-type]


def test_a_loop_of_train_on_batch_is_checked() -> None:
    (finding,) = check(calls([0.01, 1.0, 0.01, 1.0, 0.01, 0.01, 1.0, 0.01]))
    assert (finding.loop, finding.measured) == (0, True)
    assert finding.cost_s.low == pytest.approx(3 * 0.99)
    assert finding.evidence[0].text == "3 of 9 calls of train_on_batch() took 1.0 s, the others 10 ms."
    assert [place.line for place in finding.locations] == [12, 30]


@pytest.mark.parametrize("changed", [{"jit_compile": False}, {"kind": "predict"}])
def test_other_calls_are_not_checked(changed: dict[str, object]) -> None:
    assert list(check(calls([0.01, 1.0] * 20, **changed))) == []


def test_programs_that_the_framework_reports_are_counted() -> None:
    """On JAX every step is compiled for its shape: what it says is exact, where times alone may hide it."""
    reported = {"jit_compile": True, "recompiled": make.took(0.5, 8)}
    (finding,) = check(make.facts(make.fit(**reported)))
    assert finding.cost_s.low == pytest.approx(8 * 0.5)
    text = finding.evidence[0].text
    assert text == "The step was compiled 8 more times, 500 ms each. Without compiling it takes 20 ms."
    last_batch = {"jit_compile": True, "recompiled": make.took(2.0, 1)}
    assert list(check(make.facts(make.fit(**last_batch)))) == []
