"""What a trial's verification says about a remedy's safety."""

from __future__ import annotations

import pytest

from fitdoctor.recording.model import Arm
from fitdoctor.trials.safety import found_safety

INPUT = {"kind": "insert-call", "call": "prefetch"}
SETTING = {"kind": "set-argument", "call": "Model.compile", "argument": "run_eagerly", "value": False}


@pytest.mark.parametrize(
    ("safety", "changes", "batches", "weights", "found"),
    [
        ("exact", [INPUT], "same", "", "exact"),
        ("numerics", [SETTING], "same", "same", "exact"),
        ("numerics", [SETTING], "same", "close", "numerics"),
        ("exact", [SETTING], "same", "different", "semantics"),
        ("numerics", [INPUT, SETTING], "same", "", "numerics"),
        ("exact", [INPUT, SETTING], "same", "", "exact"),
        ("semantics", [INPUT], "same", "", "semantics"),
        ("numerics", [INPUT], "", "", "numerics"),
        ("unheard of", [INPUT], "", "", "semantics"),
    ],
)
def test_verified_safety_covers_only_compared_numbers(
    safety: str, changes: list[dict[str, object]], batches: str, weights: str, found: str
) -> None:
    arm = Arm(id="step/a", role="remedy", unit="step", safety=safety, changes=changes, batches=batches, weights=weights)
    assert found_safety(arm) == found
