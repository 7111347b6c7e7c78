from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import fitdoctor
from tests.cli.test_main import modules_after

Call = Callable[..., Result]


def test_versions_and_machine_are_shown(call: Call) -> None:
    result = call("env")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = dict(line.split(None, 1) for line in result.stdout.splitlines())
    assert lines["fitdoctor"].startswith(fitdoctor.__version__)
    assert "usable here" in lines["cores"]
    assert "GiB" in lines["memory"]
    assert "GPU" in lines


def test_the_environment_is_written_as_json(call: Call) -> None:
    assert call("env", "-o", "env.json").exit_code == 0
    data = json.loads(Path("env.json").read_text())
    assert data["training"]["packages"].keys() <= {
        "keras",
        "tensorflow",
        "tensorflow-cpu",
        "tf-keras",
        "jax",
        "jaxlib",
        "torch",
        "numpy",
    }
    assert data["memory"]["bytes"] > 0
    assert isinstance(data["gpu"], list)


def test_values_of_variables_are_only_shown_where_they_are_harmless(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("TF_CONFIG", '{"cluster": "secret-host"}')
    monkeypatch.setenv("TF_VAR_password", "secret-word")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/home/ann/secret --xla_cpu_fast_min_max=true")
    monkeypatch.setenv("CUDA_HOME", "/home/ann/secret")
    monkeypatch.setenv("WANDB_API_KEY", "secret-key")
    text = call("env", "-o", "env.json").stdout + Path("env.json").read_text()
    assert "TF_NUM_INTRAOP_THREADS  2" in text
    assert "--xla_dump_to=… --xla_cpu_fast_min_max=true" in text
    assert "CUDA_HOME" in text
    assert re.search(r"CUDA_VISIBLE_DEVICES +set to nothing", text)
    assert "TF_VAR" not in text
    assert "secret" not in text
    assert "WANDB" not in text


def test_the_interpreter_of_the_training_is_asked(call: Call, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text(f'#!{sys.executable}\nprint(\'{{"python": "3.9.1", "packages": {{"keras": "3.6.0"}}}}\')\n')
    fake.chmod(0o755)
    text = call("env", "--python", str(fake)).stdout
    assert "Python 3.9.1" in text
    assert "  keras" in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--python", "true"), "did not list its packages"),
        (("--python", "nowhere"), "not a program"),
        (("-o", "env.html"), ".json or .txt"),
    ],
)
def test_invalid_options_get_a_message(call: Call, arguments: tuple[str, ...], words: str) -> None:
    result = call("env", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_no_framework_is_imported() -> None:
    code = "from fitdoctor.cli.main import main\ntry:\n    main(['env'])\nexcept SystemExit:\n    pass"
    assert not modules_after(code) & {"keras", "tensorflow", "jax", "torch", "numpy"}
