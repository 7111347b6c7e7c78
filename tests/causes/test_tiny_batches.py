from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.causes.host.tiny_batches import check
from fitdoctor.causes.registry import run_causes
from fitdoctor.facts.facts import Facts
from fitdoctor.remedies.registry import Offer, offers
from tests.support import builders as make


def trained(size: int | None = 1, **changed: Any) -> Facts:
    return make.facts(
        make.fit(
            **{
                "step_s": 2e-3,
                "epochs": 10,
                "steps": 3000,
                "batch_size": size,
                "optimizer": "Adam",
                "learning_rate": 1e-3,
                **changed,
            }
        )
    )


def bad() -> Facts:
    return trained()


def good() -> Facts:
    return trained(128)


def offered(facts: Facts) -> list[Offer]:
    finding = next(finding for finding in run_causes(facts)[0] if finding.cause == "tiny-batches")
    return offers(finding, facts)[0]


def settings(offer: Offer) -> dict[str, Any]:
    return {change["argument"]: change["value"] for change in offer.changes}


def test_hooks_do_not_count_as_cost_of_the_batch() -> None:
    slow = make.callback(hooks={"on_train_batch_end": make.took(1.5e-3, 60)})
    (alone,), (beside,) = check(bad()), check(trained(callbacks=[slow], function_s=0.4e-3))
    assert beside.cost_s.high == pytest.approx(alone.cost_s.high / 4)
    assert beside.evidence[0].value == 1


def test_throughput_alone_decides_nothing() -> None:
    (finding,) = check(bad())
    assert finding.cost_s.low == 0
    assert not finding.measured


def test_the_usual_batch_is_not_tiny_but_may_be_dispatch_bound() -> None:
    facts = trained(32)
    assert list(check(facts)) == []
    finding = next(finding for finding in run_causes(facts)[0] if finding.cause == "dispatch-bound-steps")
    assert "larger-batch" in {offer.remedy.id for offer in offers(finding, facts)[0]}


def test_a_remedy_is_proposed_for_one_cause_only() -> None:
    for size in (8, 64):
        facts = trained(size)
        finding = next(finding for finding in run_causes(facts)[0] if finding.cause == "dispatch-bound-steps")
        assert {offer.remedy.id for offer in offers(finding, facts)[0]} == {"larger-execution"}


@pytest.mark.parametrize("kind", ["generator", "pydataset", "unknown"])
def test_batches_that_the_user_makes_are_not_changed(kind: str) -> None:
    assert list(check(trained(4, input_kind=kind))) == []


def test_it_points_at_the_batch_stage_of_a_pipeline() -> None:
    chain = make.chain(("from_tensor_slices", 3), ("shuffle", 4), ("batch", 5), ("prefetch", 6))
    facts = trained(4, input_kind="tf.data", operations=chain)
    (finding,) = check(facts)
    assert [place.line for place in finding.locations] == [5, 18]
    changes = offered(facts)[0].changes
    assert (changes[0]["call"], changes[0]["place"]["position"]) == ("batch", 2)
    assert list(check(trained(4, input_kind="tf.data", operations=make.chain(("from_generator", 3))))) == []


def test_the_rate_grows_with_the_root_for_adam_and_in_proportion_for_sgd() -> None:
    adam = [settings(offer) for offer in offered(trained(4))]
    assert adam == [
        {"batch_size": 16, "learning_rate": 0.002},
        {"batch_size": 64, "learning_rate": 0.004},
        {"batch_size": 64},
    ]
    sgd = [settings(offer) for offer in offered(trained(4, optimizer="SGD", learning_rate=0.01))]
    assert sgd[0] == {"batch_size": 16, "learning_rate": 0.04}


def test_a_schedule_is_not_changed() -> None:
    assert [settings(offer) for offer in offered(trained(4, learning_rate=None))] == [
        {"batch_size": 16},
        {"batch_size": 64},
    ]


def test_an_epoch_keeps_some_steps() -> None:
    assert list(check(trained(4, steps=12, epochs=3000))) == []
    assert [settings(offer)["batch_size"] for offer in offered(trained(4, steps=30, epochs=3000))] == [16, 16]
