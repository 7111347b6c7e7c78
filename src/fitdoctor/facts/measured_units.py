"""Whether a recording holds anything to analyse."""

from __future__ import annotations

from fitdoctor.recording.model import ProcessRecord


def has_measured_units(scout: ProcessRecord) -> bool:
    """Returns whether the cost of any fit or call site is known."""
    fits = any(fit.step.count or fit.first_step.count for fit in scout.fits if not fit.declined)
    return fits or any(loop.run.count for loop in scout.loops)
