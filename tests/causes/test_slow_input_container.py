from __future__ import annotations

from fitdoctor.causes.input.slow_input_container import check
from fitdoctor.changes.model import ConvertArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import HotLine, InputArray
from fitdoctor.remedies.fit import one_array
from tests.support import builders as make


def held(name: str, container: str, kind: str) -> Facts:
    part = InputArray(name=name, container=container, dtype="float32", shape=[1000, 10], bytes=40_000)
    return make.facts(make.fit(input_kind=kind, inputs=[part]), input_free=1.5)


def bad() -> Facts:
    return held("x.rows", "h5py.Dataset", "pydataset")


def good() -> Facts:
    return held("x", "pandas.DataFrame", "arrays")


def test_a_sampled_line_that_takes_the_rows_comes_first() -> None:
    facts = bad()
    facts.fits[0].record.hot_lines = [HotLine(where="input", site=make.site(9, "return self.rows[index]"), share=0.9)]
    (finding,) = check(facts)
    assert [place.line for place in finding.locations][:2] == [9, 18]


def test_an_attribute_becomes_an_array() -> None:
    (finding,) = check(bad())
    (proposal,) = one_array.propose(finding, bad())
    (change,) = proposal.changes
    assert isinstance(change, ConvertArgument)
    assert (change.argument, change.attribute) == ("x", "rows")


def test_a_sparse_matrix_is_sliced_batch_by_batch() -> None:
    facts = held("x", "scipy.csr_matrix", "arrays")
    (finding,) = check(facts)
    (proposal,) = one_array.propose(finding, facts)
    assert [change.attribute for change in proposal.changes if isinstance(change, ConvertArgument)] == [""]


def test_a_table_is_replaced_by_hand() -> None:
    facts = held("x.table", "pandas.DataFrame", "pydataset")
    (finding,) = check(facts)
    (proposal,) = one_array.propose(finding, facts)
    assert proposal.untried
