from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import fitdoctor
from fitdoctor.recording.folder import RunFolder, create
from fitdoctor.recording.save import save_run
from tests.support.recorded_runs import full_run

Call = Callable[..., Result]


@pytest.fixture
def run() -> RunFolder:
    folder = create("train")
    save_run(full_run(), folder.run_file)
    return folder


def test_a_run_is_analysed_again(call: Call, built: list[str], run: RunFolder) -> None:
    for given in (run.shown, run.path.name, "last"):
        result = call("report", given)
        assert result.exit_code == 0
        assert f"fitdoctor report {run.shown}" in result.stdout
    assert built == ["final"] * 3


def test_without_a_run_the_last_is_shown(call: Call, built: list[str], run: RunFolder) -> None:
    assert call("report").stdout == call("report", "last").stdout


def test_the_report_is_written_to_a_file(call: Call, built: list[str], run: RunFolder) -> None:
    assert call("report", "last", "-o", "again.json").exit_code == 0
    assert fitdoctor.load_report("again.json").run == run.shown


def test_a_damaged_run_gets_a_message(call: Call, built: list[str], run: RunFolder) -> None:
    run.run_file.write_bytes(run.run_file.read_bytes()[:100])
    result = call("report", "last")
    assert (result.exit_code, result.stdout, built) == (2, "", [])
    assert "which is damaged" in result.stderr


def test_an_unknown_run_gets_a_message(call: Call, built: list[str], project: Path) -> None:
    result = call("report", "nothing")
    assert result.exit_code == 2
    assert "“nothing”, which does not exist" in result.stderr
