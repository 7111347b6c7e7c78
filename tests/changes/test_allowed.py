"""What no change may name, whoever asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.changes.environment import environment
from fitdoctor.changes.model import from_data

PLACE = {"file": "train.py", "line": 1, "position": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "set-environment", "name": "LD_PRELOAD", "value": "evil.so"},
        {"kind": "set-environment", "name": "PYTHONSTARTUP", "value": "evil.py"},
        {"kind": "set-environment", "name": "PATH", "value": None},
        {"kind": "set-environment", "name": "OMP_NUM_THREADS", "value": "4;evil"},
        {"kind": "set-environment", "name": ["PATH"], "value": None},
        {"kind": "insert-call", "call": "save", "arguments": {"path": "/home/ann"}},
        {"kind": "insert-call", "call": "cache", "arguments": {"filename": "/home/ann/x"}},
        {"kind": "insert-call", "call": "__class__", "arguments": {}},
        {"kind": "insert-call", "call": "cache", "arguments": []},
        {
            "kind": "set-argument",
            "call": "ModelCheckpoint",
            "argument": "filepath",
            "value": "/home/ann/.bashrc",
            "index": 0,
        },
        {"kind": "set-argument", "call": "Own", "argument": "__class__", "value": 1, "index": 0},
        {"kind": "set-argument", "call": "Own", "argument": "log_dir", "value": "../..", "index": 0},
        {"kind": "set-argument", "call": "Model.fit", "argument": "x", "value": {"a": "b"}, "index": -1},
        {"kind": "throttle-hook", "call": "Own", "hook": "__init__", "every": 2, "index": 0},
        {"kind": "throttle-hook", "call": "Own", "hook": "set_model", "every": 2, "index": 0},
        {"kind": "evil"},
        {"kind": ["evil"]},
    ],
)
def test_a_change_names_no_file_no_code_and_no_program(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        from_data({"place": PLACE, **change})


@pytest.mark.parametrize(
    ("name", "value"), [("LD_PRELOAD", "evil.so"), ("PATH", None), ("PYTHONPATH", "."), ("OMP_NUM_THREADS", "x")]
)
def test_variables_that_no_change_may_set_are_ignored(name: str, value: str | None) -> None:
    before = {"PATH": "/bin", "OMP_NUM_THREADS": "2"}
    assert environment([{"kind": "set-environment", "name": name, "value": value, "place": PLACE}], before) == before
