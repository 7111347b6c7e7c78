from __future__ import annotations

from fitdoctor.causes.callbacks.excessive_validation import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def validating(pass_s: float, *, batch: int | None = 32, steps: int = 50) -> Facts:
    record = make.fit(
        validation="data",
        validation_kind="arrays",
        validation_steps=steps,
        validation_batch_size=batch,
        validation_first_step=make.took(0.2, 1),
        validation_step=make.took(pass_s / steps, 2 * steps - 1),
        validation_overhead=make.took(0.0, 2),
    )
    return make.facts(record)


def bad() -> Facts:
    return validating(2.0)


def good() -> Facts:
    return validating(0.05)


def test_an_unknown_batch_size_is_not_shown() -> None:
    facts = validating(2.0, batch=None)
    facts.fits[0].record.batch_size = None
    (finding,) = check(facts)
    assert "(50 batches)" in finding.evidence[0].text


def test_its_cost_is_all_passes() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert round(finding.cost_s.mid, 6) == 20.0
    assert finding.data == {"excessive": True, "batch": 32}
    assert "50 batches of 32" in finding.evidence[0].text


def test_between_five_and_twenty_percent_only_small_batches_count() -> None:
    (finding,) = check(validating(0.4))
    assert finding.data["excessive"] is False
    assert list(check(validating(0.4, batch=256))) == []
