from __future__ import annotations

from fitdoctor.causes.input.oversized_shuffle import check
from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from fitdoctor.remedies.pipeline import smaller_shuffle
from tests.support import builders as make


def shuffled(size: int, *, stall_s: float = 1.0, cardinality: int | None = 40_000) -> Facts:
    shuffle = Operation(
        name="shuffle",
        position=2,
        site=make.site(5),
        arguments={"0": size},
        cardinality=cardinality,
        element_bytes=1_000_000,
    )
    chain = make.chain(("from_tensor_slices", 3), ("map", 4), shuffle, ("batch", 6))
    return make.facts(make.fit(input_kind="tf.data", operations=chain, epoch_first_step=make.took(0.02 + stall_s, 2)))


def bad() -> Facts:
    return shuffled(20_000)


def good() -> Facts:
    return shuffled(20_000, stall_s=0.005)


def test_it_reports_the_size_of_the_buffer() -> None:
    (finding,) = check(shuffled(10**9))
    assert "40,000 elements, 40,000 MB" in finding.evidence[0].text


def test_a_tenth_is_tried() -> None:
    (finding,) = check(bad())
    (proposal,) = smaller_shuffle.propose(finding, bad())
    (change,) = proposal.changes
    assert isinstance(change, SetArgument)
    assert (change.argument, change.value) == ("buffer_size", 2000)


def test_a_buffer_of_ten_batches_is_not_large() -> None:
    assert list(check(shuffled(320))) == []
