from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.causes.host.overlong_epoch import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from tests.support import builders as make


def repeated(samples: int) -> list[Operation]:
    source = Operation(name="from_tensor_slices", position=0, site=make.site(3), cardinality=samples)
    return make.chain(source, ("repeat", 4), ("batch", 5))


def training(steps: int, samples: int = 1600) -> Facts:
    return make.facts(make.fit(input_kind="tf.data", operations=repeated(samples), steps=steps))


def validating(steps: int, samples: int = 640) -> Facts:
    values: dict[str, Any] = {
        "validation": "data",
        "validation_kind": "tf.data",
        "validation_operations": repeated(samples),
        "validation_batch_size": 32,
        "validation_steps": steps,
        "validation_step": make.took(0.005, 50),
        "validation_first_step": make.took(0.1, 1),
        "validation_overhead": make.took(0.01, 2),
    }
    return make.facts(make.fit(**values))


def bad() -> Facts:
    return validating(640)


def good() -> Facts:
    return validating(20)


def test_validation_steps_that_count_samples_are_reported() -> None:
    (finding,) = check(bad())
    assert finding.cost_s.mid == pytest.approx(10 * (640 * 0.005 + 0.01) * (1 - 20 / 640))
    assert "validation_steps is 640, and the data has 20 batches" in finding.evidence[0].text


def test_steps_per_epoch_that_count_samples_are_reported() -> None:
    (finding,) = check(training(1600))
    assert finding.data == {"argument": "steps_per_epoch", "steps": 1600, "batches": 50}


@pytest.mark.parametrize("steps", [50, 100, 500])
def test_epochs_of_some_passes_are_not_reported(steps: int) -> None:
    assert list(check(training(steps))) == []
