"""A treated training reports which calls run as written."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fitdoctor.probe.roles.treat import TreatRole
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import ProcessRecord

PLACE = {"file": "train.py", "line": 7, "position": -1}
THREADS = {"kind": "set-environment", "place": PLACE, "name": "TF_NUM_INTRAOP_THREADS", "value": "2"}
LARGER = {
    "kind": "set-argument",
    "place": PLACE,
    "call": "Model.fit",
    "argument": "batch_size",
    "value": 64,
    "index": -1,
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([LARGER], "the training runs as written"),
        ([LARGER, THREADS], "more is changed than what the process began with"),
    ],
)
def test_a_different_environment_is_reported(
    changes: list[dict[str, Any]], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    treatments = [{"kind": "fit", "file": "train.py", "line": 7, "changes": changes}]
    scout = ProcessRecord()
    scout.environment = {"cores": 2}
    spec = {"environment": {"cores": 8}, "treatments": treatments}
    role = TreatRole(scout, Ledger("start", started_s=time.monotonic()), lambda: None, spec)
    role._compare_environment(("cores",))
    error = capsys.readouterr().err
    assert "cores is 2 here, and was 8" in error
    assert [text in error for text in ("runs as written", "more is changed")] == [
        THREADS not in changes,
        THREADS in changes,
    ]
    assert said in error
