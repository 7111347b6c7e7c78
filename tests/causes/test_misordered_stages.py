from __future__ import annotations

import pytest

from fitdoctor.causes.input.misordered_stages import check
from fitdoctor.changes.model import MoveCall
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from fitdoctor.remedies.pipeline import reordered_stages
from tests.support import builders as make

SOURCE, MAP, BATCH = ("from_tensor_slices", 3), ("map", 4), ("batch", 9)


def shard(count: int = 4) -> Operation:
    return Operation(name="shard", position=0, site=make.site(5), arguments={"0": count, "1": 0})


def pipeline(*steps: tuple[str, int] | Operation, stall_s: float = 0.0) -> Facts:
    began = make.took(0.02 + stall_s, 2)
    return make.facts(
        make.fit(input_kind="tf.data", operations=make.chain(*steps), epoch_first_step=began), input_free=1.5
    )


def bad() -> Facts:
    return pipeline(SOURCE, MAP, shard(), BATCH)


def good() -> Facts:
    return pipeline(SOURCE, shard(), MAP, BATCH)


def moved(facts: Facts) -> tuple[int, int, str | None]:
    (finding,) = check(facts)
    (proposal,) = reordered_stages.propose(finding, facts)
    (change,) = proposal.changes
    assert isinstance(change, MoveCall)
    return change.place.position, change.behind.position, proposal.unit


def test_a_shard_moves_before_the_work() -> None:
    assert moved(bad()) == (2, 0, "step")
    (finding,) = check(bad())
    assert finding.cost_s.mid == pytest.approx(bad().input_cost(bad().fits[0])[0].mid * 3 / 4)


def test_an_endless_repeat_moves_behind_the_cache() -> None:
    repeat = Operation(name="repeat", position=0, site=make.site(5), cardinality=-1)
    assert moved(pipeline(SOURCE, MAP, repeat, ("cache", 6), BATCH)) == (2, 3, "step")


@pytest.mark.parametrize("name", ["skip", "shuffle"])
def test_a_delay_of_epochs_counts_if_epochs_stall(name: str) -> None:
    steps = (SOURCE, MAP, (name, 5), BATCH)
    assert moved(pipeline(*steps, stall_s=1.0)) == (2, 0, "epoch")
    assert list(check(pipeline(*steps, stall_s=0.01))) == []


def test_random_maps_and_batches_stay_where_they_are() -> None:
    random = Operation(name="map", position=1, site=make.site(4), stateful=True)
    assert list(check(pipeline(SOURCE, random, shard(), BATCH))) == []
    assert list(check(pipeline(SOURCE, BATCH, ("shuffle", 5), stall_s=1.0))) == []
