"""What holds for each remedy there is, on the bad runs of the causes that it treats."""

from __future__ import annotations

import importlib

import msgspec
import pytest

from fitdoctor.causes.registry import all_causes, run_causes
from fitdoctor.changes.model import from_data
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.remedies import registry
from fitdoctor.remedies.base import Remedy
from fitdoctor.report.model import Interval

REMEDIES = registry.all_remedies()
each = pytest.mark.parametrize("name", sorted(REMEDIES))
CAUSES_WITH_REMEDIES = sorted(name for name, cause in all_causes().items() if cause.remedies)


def bad_run(cause: str) -> tuple[Facts, Finding]:
    facts: Facts = importlib.import_module(f"tests.causes.test_{cause.replace('-', '_')}").bad()
    return facts, next(finding for finding in run_causes(facts)[0] if finding.cause == cause)


@each
def test_treats_causes_that_exist(name: str) -> None:
    assert REMEDIES[name].treats
    assert set(REMEDIES[name].treats) <= set(all_causes())
    assert REMEDIES[name].page


@pytest.mark.parametrize("cause", CAUSES_WITH_REMEDIES)
def test_each_bad_run_has_a_proposal(cause: str) -> None:
    facts, finding = bad_run(cause)
    offers, limits = registry.offers(finding, facts)
    assert limits == []
    assert any(offer.proposal.changes and not offer.proposal.untried for offer in offers)
    for offer in offers:
        assert offer.proposal.how
        assert " " not in offer.arm_id


@pytest.mark.parametrize("cause", CAUSES_WITH_REMEDIES)
def test_changes_survive_a_recording(cause: str) -> None:
    facts, finding = bad_run(cause)
    for offer in registry.offers(finding, facts)[0]:
        data = msgspec.json.decode(msgspec.json.encode(offer.changes))
        assert data == offer.changes
        assert [from_data(change) for change in data] == list(offer.proposal.changes)


@each
def test_no_remedy_proposes_anything_for_an_empty_finding(name: str) -> None:
    facts, _ = bad_run(REMEDIES[name].treats[0])
    nowhere = Finding(cost_s=Interval(low=0, mid=0, high=0))
    assert list(REMEDIES[name].propose(nowhere, facts)) == []


def test_a_crashing_remedy_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(finding: Finding, facts: Facts) -> list[object]:
        raise KeyError("by design")

    broken = Remedy(
        id="broken",
        seam="fit",
        title="",
        page="",
        treats=("eager-execution",),
        safety="exact",
        unit="step",
        propose=crash,
    )  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "_discovered", lambda: ({**REMEDIES, "broken": broken}, ()))
    facts, finding = bad_run("eager-execution")
    offers, limits = registry.offers(finding, facts)
    assert [offer.remedy.id for offer in offers] == ["compiled-step"]
    assert limits == ["The remedy broken could not be proposed (KeyError: 'by design')."]
