"""Changes that are made where a process begins."""

from __future__ import annotations

import os
import subprocess
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from fitdoctor.changes.environment import INTRA_OP, environment, of_process
from fitdoctor.changes.model import Place, SetArgument, SetEnvironment
from fitdoctor.probe.apply.environment import hold_calls
from fitdoctor.probe.apply.environment import hold_variables as hold

HERE = Place(file="train.py", line=3)
VARIABLE = "TF_NUM_INTEROP_THREADS"


def variable(value: str | None) -> dict[str, Any]:
    return SetEnvironment(place=HERE, name=VARIABLE, value=value).to_data()


def call(value: int) -> dict[str, Any]:
    return SetArgument(place=HERE, call=INTRA_OP, argument="num_threads", value=value).to_data()


def test_only_changes_for_the_start_of_a_process_are_selected() -> None:
    other = SetArgument(place=HERE, call="Model.compile", argument="run_eagerly", value=False).to_data()
    assert of_process([other, variable("1"), call(0)]) == [variable("1"), call(0)]


def test_the_environment_of_a_process() -> None:
    before = {VARIABLE: "1", "HOME": "/home/ann"}
    assert environment([variable(None), call(0)], before) == {"HOME": "/home/ann"}
    assert environment([variable("4")], before) == {VARIABLE: "4", "HOME": "/home/ann"}
    assert before[VARIABLE] == "1"


@pytest.mark.parametrize("value", [None, "4"])
def test_a_variable_that_the_script_sets_itself_is_held(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    held = hold([variable(value)])
    try:
        os.environ[VARIABLE] = "1"
        assert os.environ.setdefault(VARIABLE, "2") == (value or "1")
        seen = subprocess.run(["/usr/bin/env", "printenv", VARIABLE], capture_output=True, text=True, check=False)
        assert seen.stdout.strip() == (value or "")
        os.environ[f"{VARIABLE}_2"] = "1"
        assert os.environ.pop(f"{VARIABLE}_2") == "1"
    finally:
        held.undo()
    os.environ[VARIABLE] = "1"
    assert os.environ.pop(VARIABLE) == "1"


def test_a_call_gets_the_value_of_the_change() -> None:
    seen: list[int] = []
    threading = SimpleNamespace(
        set_intra_op_parallelism_threads=seen.append, set_inter_op_parallelism_threads=seen.append
    )
    tensorflow = cast(ModuleType, SimpleNamespace(config=SimpleNamespace(threading=threading)))
    held = hold_calls(tensorflow, [call(0), variable("1")])
    threading.set_intra_op_parallelism_threads(1)
    threading.set_inter_op_parallelism_threads(1)
    held.undo()
    threading.set_intra_op_parallelism_threads(num := 2)
    assert seen == [0, 1, num]
