from __future__ import annotations

from fitdoctor.causes.input.wide_dtype import check
from fitdoctor.changes.model import ConvertArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import InputArray
from fitdoctor.remedies.pipeline import narrow_dtype
from tests.support import builders as make


def fed(dtype: str, *, kind: str = "tf.data", source: str = "from_tensor_slices") -> Facts:
    part = InputArray(
        name="x", container="tf.data" if kind == "tf.data" else "numpy.ndarray", dtype=dtype, shape=[None, 1000]
    )
    labels = InputArray(name="y", container="tf.data", dtype="int64", shape=[None])
    chain = make.chain((source, 3), ("batch", 4)) if kind == "tf.data" else []
    return make.facts(make.fit(input_kind=kind, operations=chain, inputs=[part, labels]), input_free=1.5)


def bad() -> Facts:
    return fed("float64")


def good() -> Facts:
    return fed("float32")


def test_the_arrays_are_cast_where_the_pipeline_begins() -> None:
    (finding,) = check(bad())
    (proposal,) = narrow_dtype.propose(finding, bad())
    (change,) = proposal.changes
    assert isinstance(change, ConvertArgument)
    assert (change.place.position, change.dtypes) == (0, {"float64": "float32"})


def test_keras_narrows_arrays_of_floats_itself() -> None:
    assert list(check(fed("float64", kind="arrays"))) == []
    (finding,) = check(fed("int64", kind="arrays"))
    (proposal,) = narrow_dtype.propose(finding, fed("int64", kind="arrays"))
    assert [(change.place.position, change.kind) for change in proposal.changes] == [(-1, "convert-argument")]


def test_other_sources_are_cast_by_hand() -> None:
    facts = fed("float64", source="from_generator")
    (finding,) = check(facts)
    (proposal,) = narrow_dtype.propose(finding, facts)
    assert proposal.untried
