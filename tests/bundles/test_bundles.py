"""Real runs, as `fitdoctor bundle` made them, each with the report that it must lead to.

To add one: put `NAME.json` or `NAME.json.gz` into this folder and a table `[NAME]` into `expected.toml`. Then write its
golden report: `python scripts/golden.py keep tests/bundles/golden tests/bundles/NAME.json`.
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
from scripts import golden

HERE = Path(__file__).parent
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8"))
BUNDLES = {path.name.removesuffix(".gz").removesuffix(".json"): path for path in sorted(HERE.glob("*.json*"))}

each = pytest.mark.parametrize("name", sorted(BUNDLES))


def load(name: str) -> Run:
    return load_run(BUNDLES[name])


def test_every_bundle_has_an_expectation() -> None:
    assert set(EXPECTED) == set(BUNDLES)


@each
def test_a_bundle_leads_to_its_known_causes(name: str) -> None:
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


@each
def test_the_report_of_a_bundle_changes_only_in_its_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE.parents[1])  # the report names the bundle as it is given
    kept, bundled = HERE / "golden" / f"{name}.json", BUNDLES[name].relative_to(HERE.parents[1])
    lines = golden.differences(kept, bundled)
    assert not lines, "\n".join([*lines, "If that is intended, run: python scripts/golden.py keep ..."])
