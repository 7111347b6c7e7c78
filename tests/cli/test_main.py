from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import Result

import fitdoctor
from fitdoctor.cli.main import COMMANDS, main

Call = Callable[..., Result]

# Neither `--help` nor `import fitdoctor` may load these: that keeps them fast, and is easier to test than time.
LATE = ("rich", "msgspec", "scipy", "jinja2", "libcst", "psutil", "numpy", "keras", "tensorflow", "asyncio")


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nsys.stderr.write(' '.join(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ended.stderr.split())


def test_help_names_every_command_and_the_main_job_first(call: Call) -> None:
    result = call("--help")
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == list(COMMANDS)
    assert "..." not in result.stdout.split("Commands:")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help(call: Call, name: str) -> None:
    assert call(name, "-h").stdout.startswith(f"Usage: fitdoctor {name}")
    assert isinstance(main.get_command(click.Context(main), name), click.Command)


def test_the_version_is_shown(call: Call) -> None:
    assert call("--version").stdout == f"fitdoctor {fitdoctor.__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = "from fitdoctor.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert not modules_after(code) & set(LATE)


def test_import_loads_nothing_at_all() -> None:
    loaded = {name for name in modules_after("import fitdoctor") if name.startswith("fitdoctor") or name in LATE}
    assert loaded == {"fitdoctor"}


def test_it_runs_as_a_module() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fitdoctor", "--version"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, f"fitdoctor {fitdoctor.__version__}\n")


def test_a_script_without_a_command_is_pointed_to_diagnose(call: Call) -> None:
    result = call("train.py", "--lr", "1")
    assert result.exit_code == 2
    assert "Did you mean “fitdoctor diagnose train.py”?" in result.stderr


def test_an_unknown_command_gets_a_message(call: Call) -> None:
    result = call("diagnos")
    assert result.exit_code == 2
    assert "No such command 'diagnos'" in result.stderr
