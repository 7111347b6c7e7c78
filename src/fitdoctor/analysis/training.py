"""The summary of the training, and of its environment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.learning.summary import learning_of
from fitdoctor.facts.locations import location
from fitdoctor.report.model import Environment, FitSummary, LoopSummary, Training


def training(facts: Facts) -> Training:
    """Returns the fits and loops with their shares, and the projected time of the training."""
    return Training(
        backend=str(facts.scout.environment.get("backend", "")),
        fits=tuple(
            FitSummary(
                site=location(fit.record.site),
                calls=fit.record.calls,
                epochs=fit.epochs.mid,
                steps_per_epoch=fit.steps_per_epoch if fit.steps_known else None,
                batch_size=fit.record.batch_size,
                share=facts.share(fit.id),
                learning=learning_of(fit, facts.inside(fit.index)),
            )
            for fit in facts.fits
        ),
        loops=tuple(
            LoopSummary(
                site=location(loop.record.site),
                kind=loop.record.kind,
                calls=round(loop.calls("mid")),
                share=facts.share(loop.id),
            )
            for loop in facts.loops
        ),
        projected_s=facts.total_s,
        basis=facts.basis,
    )


def environment(facts: Facts) -> Environment:
    """Returns versions and devices, as far as they are known."""
    known: dict[str, Any] = facts.scout.environment
    devices = known.get("devices")
    named = devices if isinstance(devices, Iterable) and not isinstance(devices, str | bytes) else ()
    return Environment(
        python=str(known.get("python", "")),
        keras=str(known.get("keras", "")),
        backend=str(known.get("backend", "")),
        backend_version=str(known.get("backend_version", "")),
        platform=str(known.get("platform", "")),
        cores=_whole(known.get("cores")),
        devices=tuple(str(device) for device in named),
        memory_bytes=_whole(known.get("memory_bytes")),
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
