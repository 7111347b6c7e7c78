"""Each cause has a page with all sections, remedies that exist, and a test with a bad and a good run."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from fitdoctor.causes import registry
from fitdoctor.causes.base import PAGE_SECTIONS, Cause
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import CallSiteRecord, Fit
from fitdoctor.remedies.registry import all_remedies
from tests.support import builders as make

CAUSES = registry.all_causes()
each = pytest.mark.parametrize("name", sorted(CAUSES))


def case(name: str, which: str) -> Facts:
    """The bad or the good run in the test of a cause."""
    module = importlib.import_module(f"tests.causes.test_{name.replace('-', '_')}")
    made = getattr(module, which)()
    return made if isinstance(made, Facts) else Facts(made)


@each
def test_page_has_every_section_in_order(name: str) -> None:
    headings = re.findall(r"^## (.+)$", CAUSES[name].page, flags=re.MULTILINE)
    assert tuple(headings) == PAGE_SECTIONS
    assert CAUSES[name].page.startswith(f"# {name}: ")


@each
def test_page_shows_code_that_is_python(name: str) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", CAUSES[name].page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        ast.parse(block)


@each
def test_remedies_exist_and_treat_it(name: str) -> None:
    for remedy in CAUSES[name].remedies:
        assert remedy in all_remedies(), (
            f"REMEDIES names {remedy}, which does not exist: scripts/new_remedy.py makes it"
        )
        assert name in all_remedies()[remedy].treats


@each
def test_the_bad_run_has_findings_and_the_good_run_none(name: str) -> None:
    found = list(CAUSES[name].check(case(name, "bad")))
    assert found
    for finding in found:
        assert 0 <= finding.cost_s.low <= finding.cost_s.mid <= finding.cost_s.high
        assert finding.locations
        assert finding.evidence
    assert list(CAUSES[name].check(case(name, "good"))) == []


@each
def test_an_empty_recording_has_no_finding(name: str) -> None:
    empty = Fit(site=make.site(1), operations=make.chain(("map", 1), ("batch", 2)), input_kind="tf.data")
    assert list(CAUSES[name].check(make.facts(empty, loops=[CallSiteRecord(kind="predict", site=make.site(2))]))) == []


def test_a_crashing_check_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(facts: Facts) -> list[object]:
        raise ZeroDivisionError("by design")

    broken = Cause(id="broken", family="host", title="", page="", remedies=(), check=crash)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "_discovered", lambda: ({**CAUSES, "broken": broken}, ()))
    findings, limits = registry.run_causes(case("eager-execution", "bad"))
    assert "eager-execution" in {finding.cause for finding in findings}
    assert limits == ["The check for broken failed and was left out (ZeroDivisionError: by design)."]


def test_the_registry_names_cause_and_remedies() -> None:
    findings, limits = registry.run_causes(case("eager-execution", "bad"))
    assert [(finding.cause, finding.remedies) for finding in findings] == [("eager-execution", ("compiled-step",))]
    assert limits == []
