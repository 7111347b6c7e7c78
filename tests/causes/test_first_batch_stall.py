from __future__ import annotations

import pytest

from fitdoctor.causes.input.first_batch_stall import check
from fitdoctor.changes.model import InsertCall, SetArgument
from fitdoctor.facts.budget import make_budget
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.stalls import input_cost_with_epoch_starts
from fitdoctor.facts.watched_fit import WatchedFit
from fitdoctor.recording.model import HotLine, Site
from fitdoctor.remedies.pipeline import persistent_input
from tests.facts.input.test_loader_workers import loader
from tests.support import builders as make


def stalled(stall_s: float, *steps: tuple[str, int]) -> Facts:
    chain = make.chain(*(steps or (("from_tensor_slices", 3), ("map", 4), ("batch", 5), ("prefetch", 6))))
    return make.facts(make.fit(input_kind="tf.data", operations=chain, epoch_first_step=make.took(0.02 + stall_s, 2)))


def bad() -> Facts:
    return stalled(1.0)


def good() -> Facts:
    return stalled(0.01)


def test_every_later_epoch_is_charged() -> None:
    (finding,) = check(bad())
    assert finding.cost_s.mid == pytest.approx(9 * 1.0)
    assert finding.measured


def test_the_budget_holds_the_stalls() -> None:
    facts = bad()
    parts = {part.id: part.s for part in make_budget(facts).parts}
    assert parts["epoch_boundary"] == pytest.approx(9 * 1.0 + 10 * 0.01)
    assert sum(parts.values()) == pytest.approx(facts.total_s)


@pytest.mark.parametrize(
    ("first_s", "usual_s", "waited_s"), [(0.8, 0.01, 0.79), (0.0, 0.0, 0.0), (0.01, 0.01, 0.0), (5.0, 0.01, 1.0)]
)
@pytest.mark.parametrize("watched", [False, True])
def test_a_measured_wait_counts_as_input(first_s: float, usual_s: float, waited_s: float, watched: bool) -> None:
    fit = make.fit(
        epoch_first_step=make.took(0.02 + 1.0, 2),
        epoch_first_wait=make.took(first_s, 2),
        step=make.took(0.02, 50),
        input_wait=make.took(usual_s, 50),
    )
    facts = make.facts(fit)
    if watched:
        assert WatchedFit(0, fit, 0.0).stall_wait_s == pytest.approx(waited_s)
        return
    parts = {part.id: part.s for part in make_budget(facts).parts}
    assert parts["epoch_boundary"] == pytest.approx(9 * (1.0 - waited_s) + 10 * 0.01)
    assert sum(parts.values()) == pytest.approx(facts.total_s)
    assert input_cost_with_epoch_starts(facts, facts.fits[0])[0].low >= 9 * waited_s


@pytest.mark.parametrize(
    ("steps", "behind"),
    [((), 2), ((("range", 3), ("shuffle", 4), ("batch", 5)), 1)],
)
def test_the_pipeline_repeats(steps: tuple[tuple[str, int], ...], behind: int) -> None:
    facts = stalled(1.0, *steps)
    (finding,) = check(facts)
    (proposal,) = persistent_input.propose(finding, facts)
    repeat, length = proposal.changes
    assert isinstance(repeat, InsertCall)
    assert isinstance(length, SetArgument)
    assert (repeat.call, repeat.place.position) == ("repeat", behind)
    assert (length.argument, length.value) == ("steps_per_epoch", 100)


@pytest.mark.parametrize("kind", ["generator", "pydataset", "dataloader", "grain"])
@pytest.mark.parametrize(
    ("drawn", "wait_s", "low"), [("loop", 1.0, 9.0), ("function", 1.0, 9.0), ("loop", 0.0, None), ("graph", 0.0, 0.0)]
)
def test_a_wait_for_the_first_batch_of_python_input_is_reported(
    kind: str, drawn: str, wait_s: float, low: float | None
) -> None:
    line = HotLine(site=Site(file="train.py", line=7, code="time.sleep(1)"), share=0.9, where="input")
    fit = make.fit(
        input_kind=kind,
        input_drawn=drawn,
        epoch_first_step=make.took(0.02 + 1.0, 2),
        epoch_first_wait=make.took(wait_s, 2),
        hot_lines=[line],
    )
    facts = make.facts(fit)
    findings = list(check(facts))
    if low is None:  # it is none of the input's
        assert findings == []
        return
    (finding,) = findings
    assert (finding.cost_s.low, finding.measured) == (pytest.approx(low), drawn != "graph")
    assert finding.cost_s.mid == pytest.approx(9.0)
    assert finding.locations[0].line == 7
    assert "90 % of the input's time is spent at train.py:7" in finding.evidence[1].text
    assert list(persistent_input.propose(finding, facts)) == []


def test_workers_that_are_started_for_each_epoch() -> None:
    (finding,) = check(loader(num_workers=4, input_free=1.0, stall_s=2.0))
    assert finding.measured
    assert [item.text for item in finding.evidence][:2] == [
        "The DataLoader starts 4 worker processes again for each epoch.",
        "Ending and starting processes takes 2.0 s from one epoch to the next.",
    ]
    assert list(check(loader(num_workers=4, persistent_workers=True, input_free=1.0, stall_s=2.0))) == []
    assert list(check(loader(input_free=1.0, stall_s=2.0))) == []
