"""Trains without the metrics that may be costly. The others stay."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.heavy_metrics import heavy_metrics
from fitdoctor.facts.locations import place
from fitdoctor.recording.model import Fit
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "fewer metrics"
TREATS = ("costly-metrics",)
SAFETY = "exact"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    dropped = [metric.name for metric in heavy_metrics(record)] or [metric.name for metric in record.metrics]
    kept = [metric.name for metric in record.metrics if metric.name not in dropped]
    change = SetArgument(
        place=place(record.compile_site or record.site), call="Model.compile", argument="metrics", value=kept
    )
    how = (
        f"model.compile(…) without {', '.join(dropped)} among its metrics: compute them now and then, or when "
        "training is done"
    )
    yield Proposal(changes=(change,), how=how, untried=_unsafe_reason(record, dropped))
    if finding.measured:
        yield Proposal(
            changes=(),
            how=how,
            unit="call",
            untried="A trial repeats steps that are already traced. Compare whole runs.",
        )


def _unsafe_reason(record: Fit, dropped: list[str]) -> str:
    """The callback that needs one of the removed metrics, as a sentence."""
    for callback in record.callbacks:
        watched = str(callback.attributes.get("monitor", "")).removeprefix("val_")
        if any(watched == name or watched.endswith(f"_{name}") for name in dropped):
            return f"{callback.name} monitors {callback.attributes['monitor']}."
        if callback.own and (callback.may_stop or callback.steers):
            return f"{callback.name} acts on the training and may read the metrics."
    return ""
