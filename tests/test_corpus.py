"""The corpus: each fault goes into its program, and each cause has a script that shows it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib

import pytest

from bench.corpus import faults
from fitdoctor.causes.registry import all_causes

LISTED = tomllib.loads((faults.CORPUS / "unplanted.toml").read_text(encoding="utf-8"))
FAULTS = [faults.load(name) for name in faults.fault_ids()]


@pytest.mark.parametrize("name", faults.fault_ids())
def test_a_fault_goes_into_its_program_and_leaves_a_script(name: str) -> None:
    fault = faults.load(name)
    healthy = (faults.CORPUS / "programs" / fault.program).read_text(encoding="utf-8")
    assert fault.script != healthy
    ast.parse(fault.script)
    assert fault.lines
    assert not fault.title.endswith(".")


def test_every_name_that_a_script_uses_is_there(tmp_path: faults.Path) -> None:
    for fault in FAULTS:
        (tmp_path / f"{fault.id}.py").write_text(fault.script, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "F821",
        "--output-format",
        "concise",
        str(tmp_path),
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_every_place_is_in_code(fault: faults.Fault) -> None:
    lines = fault.script.splitlines()
    for number in fault.lines:
        assert lines[number - 1].strip()
        assert not lines[number - 1].strip().startswith(("#", '"""'))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_fault_is_named_after_the_first_cause_it_accepts(fault: faults.Fault) -> None:
    assert re.sub(r"-\d+$", "", fault.id) == fault.causes[0]


def test_accepted_causes_exist_or_are_planned() -> None:
    known = set(all_causes()) | set(LISTED["planned"])
    assert {cause for fault in FAULTS for cause in fault.causes} <= known


def test_every_cause_has_a_fault_or_a_reason_why_not() -> None:
    planted = {fault.causes[0] for fault in FAULTS}
    assert set(all_causes()) - planted == set(LISTED["reasons"])


def test_there_is_enough_to_count() -> None:
    assert len(faults.programs()) + len(FAULTS) >= 24
    assert {fault.program for fault in FAULTS} == {path.name for path in faults.programs()}


@pytest.mark.parametrize("path", faults.programs(), ids=lambda path: path.stem)
def test_healthy_programs_say_what_they_do(path: faults.Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_a_text_that_is_not_there_exactly_once_is_refused(
    tmp_path: faults.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "faults").mkdir()
    (tmp_path / "programs" / "twice.py").write_text("a = 1\na = 1\n")
    (tmp_path / "faults" / "double.toml").write_text(
        'title = "Twice"\nprogram = "twice.py"\ncauses = ["x"]\nat = ["b"]\n[[replace]]\nold = "a = 1"\nnew = "b = 1"\n'
    )
    monkeypatch.setattr(faults, "CORPUS", tmp_path)
    with pytest.raises(ValueError, match="found 2 times"):
        faults.load("double")
