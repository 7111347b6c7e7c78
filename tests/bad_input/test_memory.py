"""Scripts that fill the memory are ended from outside, and their results until then are reported."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fitdoctor.cli.main import main
from fitdoctor.process import memory_watch
from tests.bad_input.conftest import FAKES_PATH, FIT, MODEL, REHEARSED, SAVED, Lab

FILL = "held = bytearray(64 << 20)\nopen('full', 'w').close()\nimport time\ntime.sleep(10**6)\n"
AGAIN = f"again = {REHEARSED}\n"


@pytest.fixture
def project(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    """A machine whose memory is nearly full once the script made a file."""
    monkeypatch.setattr(memory_watch, "available_memory", lambda: (100 << 20 if lab.made("full") else 2 << 30, 4 << 30))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", FAKES_PATH)
    monkeypatch.chdir(lab.folder)
    return lab


def diagnose(budget: str) -> Result:
    return CliRunner().invoke(main, ["diagnose", "--budget", budget, "train.py"], prog_name="fitdoctor")


def recorded(lab: Lab) -> dict[str, object]:
    (path,) = lab.folder.glob(".fitdoctor/*/run.json")
    run: dict[str, object] = json.loads(path.read_text())
    return run


def test_a_scout_that_fills_the_memory_is_ended(project: Lab) -> None:
    project.write(MODEL + FIT + SAVED + FILL)
    result = diagnose("60")
    assert result.exit_code == 0, result.stderr
    assert "killed by fitdoctor for lack of memory:" in " ".join(result.stdout.split())
    scout = recorded(project)["scout"]
    assert isinstance(scout, dict)
    assert scout["peak_rss_bytes"] > 64 << 20
    assert len(project.processes()) == 1  # that of the tests


def test_a_script_that_fills_the_memory_before_fit_is_ended(project: Lab) -> None:
    project.write(FILL)
    result = diagnose("60")
    assert result.exit_code == 2
    assert "killed by fitdoctor for lack of memory:" in result.stderr
    assert len(project.processes()) == 1  # that of the tests


def test_a_rehearsal_that_fills_the_memory_is_ended(project: Lab) -> None:
    filling = "if again:\n" + "".join(f"    {line}\n" for line in FILL.splitlines())
    project.write(AGAIN + filling + MODEL + FIT)
    result = diagnose("60")
    assert result.exit_code == 0, result.stderr
    assert "ended early: it was ended for lack of memory:" in " ".join(result.stdout.split())
    rehearsals = recorded(project)["rehearsals"]
    assert isinstance(rehearsals, list)
    assert rehearsals[0]["peak_rss_bytes"] > 64 << 20
    assert len(project.processes()) == 1  # that of the tests


def test_a_system_without_memory_figures_is_a_limit_of_the_report(
    project: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_watch, "available_memory", lambda: None)
    project.write(MODEL + FIT)
    result = diagnose("20")
    assert result.exit_code == 0, result.stderr
    assert "the memory of the trials was not watched" in " ".join(result.stdout.split())
