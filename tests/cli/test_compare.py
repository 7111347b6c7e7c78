from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from fitdoctor.recording.folder import create
from fitdoctor.recording.save import save_run
from fitdoctor.report.json import to_json
from tests.support.recorded_runs import full_run
from tests.support.report_samples import HEALTHY, SLOW

Call = Callable[..., Result]


@pytest.fixture
def reports() -> tuple[str, str]:
    Path("a.json").write_text(to_json(SLOW))
    Path("b.json").write_text(to_json(replace(HEALTHY, script=SLOW.script)))
    return "a.json", "b.json"


def test_two_reports_are_compared(call: Call, reports: tuple[str, str]) -> None:
    result = call("compare", *reports)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("  A  a.json\n  B  b.json\n")


def test_a_run_is_analysed_again(call: Call, built: list[str], reports: tuple[str, str]) -> None:
    folder = create("train")
    save_run(full_run(), folder.run_file)
    result = call("compare", folder.shown, reports[1])
    assert result.exit_code == 0
    assert built == ["final"]
    assert f"A  {folder.shown}" in result.stdout


def test_the_comparison_is_written_as_json(call: Call, reports: tuple[str, str]) -> None:
    assert call("compare", *reports, "-o", "c.json").exit_code == 0
    data = json.loads(Path("c.json").read_text())
    assert (data["a_s"], data["b_s"], data["runs"]) == (2480.0, 31.4, 1)
    assert data["ratio"] == pytest.approx(2480.0 / 31.4)


@pytest.mark.parametrize(
    ("b", "output", "words"), [("none", "c.json", "does not exist"), ("b.json", "c.html", ".json or .txt")]
)
def test_incomparable_arguments_get_a_message(
    call: Call, reports: tuple[str, str], b: str, output: str, words: str
) -> None:
    result = call("compare", "a.json", b, "-o", output)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_damaged_file_gets_a_message(call: Call, reports: tuple[str, str]) -> None:
    Path("b.json").write_bytes(b"{")
    result = call("compare", *reports)
    assert result.exit_code == 2
    assert "damaged" in result.stderr


def test_an_unknown_home_gets_a_message(call: Call, reports: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user whom the system does not know
    for given in ("~/b.json", "~nobody-of-that-name/b.json"):
        result = call("compare", "a.json", given)
        assert result.exit_code == 2
        assert f"Received “{given}”, which does not exist" in result.stderr
