from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from fitdoctor.recording.folder import create
from fitdoctor.recording.load import load_run
from fitdoctor.recording.save import save_run
from tests.support.recorded_runs import full_run

Call = Callable[..., Result]


@pytest.fixture(autouse=True)
def run() -> None:
    save_run(full_run(), create("train").run_file)


@pytest.mark.parametrize("name", ["run.fitdoctor.json", "sent.json.gz"])
def test_a_run_becomes_one_file_that_can_be_shown(call: Call, built: list[str], name: str) -> None:
    result = call("bundle", "last", "-o", name)
    assert result.exit_code == 0
    assert "1 fit, 1 loop, 1 callback, 1 timed window" in result.stdout
    assert "Read it before you send it" in result.stdout
    data = Path(name).read_bytes()
    assert b"train" not in (gzip.decompress(data) if name.endswith(".gz") else data)
    assert load_run(Path(name)).bundled
    assert call("report", name).exit_code == 0
    assert built == ["final"]


@pytest.mark.parametrize("named", [(), ("-o", "run.fitdoctor.json")])
def test_an_existing_file_is_not_overwritten(call: Call, named: tuple[str, ...]) -> None:
    Path("run.fitdoctor.json").write_text("mine")
    result = call("bundle", "last", *named)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "exists already" in result.stderr
    assert "-o" in result.stderr
    assert Path("run.fitdoctor.json").read_text() == "mine"


def test_the_same_run_gives_the_same_bytes(call: Call) -> None:
    call("bundle", "-o", "a.json.gz")
    call("bundle", "-o", "b.json.gz")
    assert Path("a.json.gz").read_bytes() == Path("b.json.gz").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "does not exist"),
        (("last", "-o", "run.zip"), "ends in .json or .json.gz"),
        (("last", "-o", "no/run.json"), "Could not write"),
    ],
)
def test_invalid_requests_get_a_message(call: Call, arguments: tuple[str, ...], words: str) -> None:
    result = call("bundle", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_damaged_bundle_gets_a_message(call: Call) -> None:
    call("bundle", "-o", "a.json.gz")
    Path("b.json.gz").write_bytes(Path("a.json.gz").read_bytes()[:200])
    result = call("report", "b.json.gz")
    assert result.exit_code == 2
    assert "which is damaged" in result.stderr
