from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import fitdoctor
from fitdoctor.errors import FitdoctorError
from fitdoctor.report.json import from_json, load_report, to_json
from fitdoctor.report.model import Report
from fitdoctor.report.schema import schema, schema_text
from tests.support.report_samples import SAMPLES, SLOW, interval

PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"


@pytest.mark.parametrize("report", SAMPLES.values(), ids=SAMPLES)
def test_reports_come_back_and_follow_the_schema(report: Report) -> None:
    text = to_json(report)
    assert from_json(text) == report
    jsonschema.validate(json.loads(text), schema())


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m fitdoctor.report.schema > docs/report.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "damage",
    [{"verdict": "fine"}, {"schema_version": 2}, {"budget": None}, {"training": {}}, {"causes": [{"id": 3}]}],
)
def test_the_schema_rejects_damaged_reports(damage: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(to_json(SLOW)), **damage}, schema())


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_infinite_figures_are_rejected(figure: float) -> None:
    cause = replace(SLOW.causes[0], cost_s=interval(0, figure, figure))
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(replace(SLOW, causes=(cause,)))


def test_names_that_are_not_utf8_do_not_lose_the_report() -> None:
    assert from_json(to_json(replace(SLOW, script="\udcff.py"))).script == "?.py"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"schema_version": 1}', "[" * 50_000])
def test_a_damaged_report_gets_a_message(text: str) -> None:
    with pytest.raises(FitdoctorError, match="damaged or not a report"):
        from_json(text)


def test_a_report_of_another_version_says_so() -> None:
    text = json.dumps({**json.loads(to_json(SLOW)), "schema_version": 7})
    with pytest.raises(FitdoctorError, match="schema version 7"):
        from_json(text)


def test_the_public_api_loads_files_and_folders(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(to_json(SLOW), encoding="utf-8")
    assert fitdoctor.load_report(path) == fitdoctor.load_report(tmp_path) == load_report(str(path)) == SLOW
    with pytest.raises(FitdoctorError, match="Could not read"):
        fitdoctor.load_report(tmp_path / "nothing.json")


def test_the_public_api_is_what_it_lists() -> None:
    assert dir(fitdoctor) == ["Doctor", "__version__", "diagnose", "load_report", "watch"]
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        fitdoctor.missing  # noqa: B018 - the access itself is the test
