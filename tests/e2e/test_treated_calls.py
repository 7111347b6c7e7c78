"""Each kind of change as `treat` makes it during a training.

Exact changes give the same weights, and where a change fails the call runs as written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from fitdoctor.process.child import LAUNCH
from tests.support.treated_script import SCRIPT, treatments

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The output of the script as written, its output with every marked call treated, and our messages."""
    project = tmp_path_factory.mktemp("project")
    script = project / "train.py"
    script.write_text(SCRIPT)
    spec = {
        "role": "treat",
        "mode": "script",
        "target": "train.py",
        "arguments": [],
        "out": str(project / "out.json"),
        "spawned_s": time.monotonic(),
        "treatments": treatments(script),
    }
    (project / "spec.json").write_text(json.dumps(spec))
    said, errors = [], ""
    for command in (["train.py"], [str(LAUNCH), "spec.json"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=project, check=False, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        said.append({line["name"]: line for line in lines})
        errors = done.stderr
    return said[0], said[1], "\n".join(line for line in errors.splitlines() if line.startswith("fitdoctor"))


EXACT = [
    "execution", "metrics", "throttle", "board", "workers", "kept", "period", "narrow", "generated", "predict", "steps",
    "numerics", "other", "missing", "random", "failing", "undone", "begun", "behind", "before", "filled",
]  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_change_gives_the_same_weights(runs: tuple[dict[str, Any], dict[str, Any], str], name: str) -> None:
    plain, treated, said = runs
    assert treated[name]["weights"] == plain[name]["weights"], said


@pytest.mark.parametrize(
    ("name", "plain", "treated"),
    [
        ("execution", 1, 4),
        ("eager", [True, True], [False, True]),
        ("metrics", [["loss", "mae", "mape", "val_loss", "val_mae", "val_mape"], False, 3],
         [["loss", "mae", "mape", "val_loss", "val_mae", "val_mape"], True, 3]),
        ("throttle", [8, False], [2, False]),
        ("board", [1, 1], [0, "epoch"]),
        ("validation", 2, 1),
        ("workers", [1, 1], [3, 1]),
        ("batch", [16, 0.01], [4, 0.04]),
        ("scale", False, True),
        ("numerics", [True, True], [False, True]),
    ],
)  # fmt: skip
def test_a_change_is_applied_and_undone(
    runs: tuple[dict[str, Any], dict[str, Any], str], name: str, plain: Any, treated: Any
) -> None:
    assert (runs[0][name]["seen"], runs[1][name]["seen"]) == (plain, treated)


@pytest.mark.parametrize("name", ["kept", "period", "generated"])
def test_repeating_batches_are_read_less_often(runs: tuple[dict[str, Any], dict[str, Any], str], name: str) -> None:
    assert runs[1][name]["seen"] < runs[0][name]["seen"]


def test_a_failed_treatment_leaves_nothing_behind(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    plain, treated, said = runs
    assert plain["undone"]["seen"][:3] == [0.01, False, 1]
    assert treated["undone"]["seen"] == plain["undone"]["seen"]
    assert (
        len([line for line in said.splitlines() if "Not treated at" in line and "can be read only once" not in line])
        == 4
    )


def test_a_cache_of_the_script_stays_filled(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    assert runs[1]["filled"]["seen"] == runs[0]["filled"]["seen"] == 1


def test_predictions_are_the_same(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    assert runs[1]["predict"]["seen"] == runs[0]["predict"]["seen"]


def test_changes_that_do_not_apply_are_reported(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    said = runs[2].splitlines()
    assert [line for line in said if "batch size is 32, and 64 was diagnosed" in line]
    assert [line for line in said if "Some changes were left out: Expected callback 0 to be a Other" in line]
    assert [line for line in said if "which runs as written: it can be read only once" in line]
    assert [line for line in said if "Not treated at" in line and "Error" in line]
    assert [line for line in said if "scaling in front of the model" in line]
