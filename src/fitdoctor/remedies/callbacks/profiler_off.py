"""Turns off a profiler or a debugging aid that runs for the whole training."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import RemoveCall, SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.facts.savings import ratio_without
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "profiler and debugging aids off"
TREATS = ("profiler-left-on",)
SAFETY = "exact"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    call = finding.data.get("call")
    if call is not None:
        site = next((switch.site for switch in record.debug_switches if switch.call == call), None)
        change = RemoveCall(place=place(site or record.site), call=call)
        yield Proposal(changes=(change,), how=f"no {call}(…)", label=call.rsplit(".", 1)[-1].replace("_", " "))
        return
    callback = record.callbacks[finding.data["callback"]]
    where = place(callback.site or record.site)
    how = f"{callback.name}(…) without profile_batch, or with a short range of batches: profile_batch=(10, 20)"
    off = SetArgument(place=where, call=callback.name, argument="profile_batch", value=0, index=callback.index)
    yield Proposal(changes=(off,), how=how)
    if finding.measured:
        untried = "Not timed: the saving is the measured time in which the profiler writes its records."
        yield Proposal(
            changes=(), how=how, unit="call", untried=untried, unit_ratio=ratio_without(facts, finding, "writing_s")
        )
