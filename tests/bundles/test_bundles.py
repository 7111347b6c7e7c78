"""Real runs, as `fitdoctor bundle` made them, each with what it must lead to.

To add one: put `NAME.json` or `NAME.json.gz` into this folder and a table `[NAME]` into `expected.toml`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.analysis import build
from fitdoctor.recording.bundle import bundle
from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import Run
from fitdoctor.report.text import render

HERE = Path(__file__).parent
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8"))
BUNDLES = {path.name.removesuffix(".gz").removesuffix(".json"): path for path in sorted(HERE.glob("*.json*"))}

each = pytest.mark.parametrize("name", sorted(BUNDLES))


def load(name: str) -> Run:
    return load_run(BUNDLES[name])


def test_every_bundle_has_an_expectation() -> None:
    assert set(EXPECTED) == set(BUNDLES)


@each
def test_a_bundle_leads_to_its_known_verdict(name: str) -> None:
    report = build(load(name))
    expected = EXPECTED[name]
    assert report.verdict == expected["verdict"]
    if "first_cause" in expected:
        assert report.causes[0].id == expected["first_cause"]
    if "speedup_above" in expected:
        assert report.prescription is not None
        assert report.prescription.speedup.mid > expected["speedup_above"]
    found = {cause.id for cause in report.causes}
    assert found.issuperset(expected.get("among", ()))
    assert found.isdisjoint(expected.get("not", ()))
    assert render(report)


@each
def test_bundling_a_bundle_changes_nothing(name: str) -> None:
    run = load(name)
    assert run.bundled
    report, again = build(run), build(bundle(run).run)
    assert (again.verdict, [cause.id for cause in again.causes]) == (
        report.verdict,
        [cause.id for cause in report.causes],
    )
