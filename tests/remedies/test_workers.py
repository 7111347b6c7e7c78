"""How a data set is read is said where the script says it: its constructor in Keras 3, `fit` on tf_keras."""

from __future__ import annotations

from typing import Any

from fitdoctor.causes.input import idle_workers
from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from fitdoctor.remedies.base import Finding
from fitdoctor.remedies.pipeline import fewer_workers, more_workers, persistent_input, precomputed_input
from tests.facts.input.test_loader_workers import grain, loader
from tests.support import builders as make


def facts(name: str, workers: int) -> Facts:
    arguments = {"workers": workers, "use_multiprocessing": False, "max_queue_size": 10}
    source = Operation(name=name, position=0, site=make.site(14, "Scans("), python=True, arguments=arguments)
    return make.facts(make.fit(input_kind="pydataset", operations=[source]), input_free=2.0)


def test_more_workers() -> None:
    known = facts("pydataset", 1)
    proposals = list(more_workers.propose(_first(idle_workers, known), known))
    changes = [change for each in proposals for change in each.changes if isinstance(change, SetArgument)]
    assert {(change.call, change.place.line) for change in changes} == {("PyDataset", 14)}
    assert "workers=4 for the PyDataset" in [each.how for each in proposals]


def test_more_workers_of_a_sequence_are_not_tried_as_each_epoch_waits_for_them() -> None:
    known = facts("sequence", 1)
    (proposal,) = more_workers.propose(_first(idle_workers, known), known)
    assert (proposal.changes, proposal.how) == ((), "model.fit(…, workers=4)")
    assert "waits up to 5 s" in proposal.untried


def test_fewer_workers() -> None:
    known = facts("sequence", 4)
    finding = Finding(cause="worker-overhead", fit=0, cost_s=known.input_cost(known.fits[0])[0])
    (proposal,) = fewer_workers.propose(finding, known)
    assert proposal.how == "the Sequence with workers=1 and without use_multiprocessing"
    assert [change.call for change in proposal.changes if isinstance(change, SetArgument)] == ["Model.fit"]


def _first(cause: object, known: Facts) -> Finding:
    return next(iter(cause.check(known)))  # type: ignore[attr-defined]


def offered(remedy: Any, cause: str, known: Facts) -> list[tuple[str, str | None, str | None]]:
    finding = Finding(cause=cause, fit=0, cost_s=known.input_cost(known.fits[0])[0])
    return [(each.how, each.safety, each.unit) for each in remedy.propose(finding, known) if each.changes]


def test_more_processes_for_a_data_loader() -> None:
    kept = "num_workers={}, persistent_workers=True for the DataLoader"
    assert offered(more_workers, "idle-workers", loader()) == [
        (kept.format(2), "exact", None),
        (kept.format(4), "exact", None),
    ]
    for how, safety, _ in offered(more_workers, "idle-workers", loader(shuffled=True)):
        assert how.endswith("(from the second epoch on, its shuffle uses other orders)")
        assert safety == "semantics"
    few = offered(more_workers, "idle-workers", loader(shuffled=True, num_workers=1))
    assert few[0] == ("num_workers=2 for the DataLoader", "exact", None)


def test_the_reason_for_no_trial_is_reported() -> None:
    for known, how in ((loader(iterable=True), "num_workers=2, persistent"), (grain(), "mp_prefetch")):
        (proposal,) = more_workers.propose(_first(idle_workers, known), known)
        assert not proposal.changes
        assert proposal.untried
        assert how in proposal.how


def test_fewer_processes_for_a_data_loader() -> None:
    kept = loader(num_workers=4, persistent_workers=True)
    half, none = offered(fewer_workers, "worker-overhead", kept)
    assert half == ("num_workers=2 for the DataLoader", "exact", None)
    assert none[0].startswith("num_workers=0 for the DataLoader, and without")
    assert [unit for _, _, unit in offered(fewer_workers, "worker-overhead", loader(num_workers=4))] == [
        None,
        None,
        "epoch",
    ]
    assert offered(fewer_workers, "worker-overhead", loader(num_workers=4, iterable=True)) == []


def test_persistent_workers_are_proposed() -> None:
    known = loader(num_workers=4, stall_s=2.0)
    assert offered(persistent_input, "first-batch-stall", known) == [
        ("persistent_workers=True for the DataLoader", "exact", None)
    ]


def test_batches_of_a_data_loader_are_not_precomputed() -> None:
    for known in (loader(), grain()):
        (proposal,) = precomputed_input.propose(Finding(fit=0, cost_s=known.input_cost(known.fits[0])[0]), known)
        assert (proposal.changes, proposal.untried) == ((), "Only you know whether each epoch needs new samples.")
