"""How a data set is read is said where the script says it: its constructor in Keras 3, `fit` on tf_keras."""

from __future__ import annotations

import pytest

from fitdoctor.causes.input import idle_workers
from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from fitdoctor.remedies.base import Finding
from fitdoctor.remedies.pipeline import fewer_workers, more_workers
from tests import builders as make


def facts(name: str, workers: int) -> Facts:
    arguments = {"workers": workers, "use_multiprocessing": False, "max_queue_size": 10}
    source = Operation(name=name, position=0, site=make.site(14, "Scans("), python=True, arguments=arguments)
    return make.facts(make.fit(input_kind="pydataset", operations=[source]), input_free=2.0)


@pytest.mark.parametrize(
    ("name", "call", "line", "how"),
    [("pydataset", "PyDataset", 14, "workers=4 for the PyDataset"), ("sequence", "Model.fit", None, "model.fit(…, workers=4)")],
)
def test_more_workers(name: str, call: str, line: int | None, how: str) -> None:
    known = facts(name, 1)
    proposals = list(more_workers.propose(_first(idle_workers, known), known))
    changes = [change for each in proposals for change in each.changes if isinstance(change, SetArgument)]
    assert {change.call for change in changes} == {call}
    assert {change.place.line for change in changes} == {line or known.fits[0].record.site.line}
    assert how in [each.how for each in proposals]


def test_fewer_workers() -> None:
    known = facts("sequence", 4)
    finding = Finding(cause="worker-overhead", fit=0, cost_s=known.input_cost(known.fits[0])[0])
    (proposal,) = fewer_workers.propose(finding, known)
    assert proposal.how == "the Sequence with workers=1 and without use_multiprocessing"
    assert [change.call for change in proposal.changes if isinstance(change, SetArgument)] == ["Model.fit"]


def _first(cause: object, known: Facts) -> Finding:
    return next(iter(cause.check(known)))  # type: ignore[attr-defined]
