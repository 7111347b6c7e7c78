"""Whether a recording holds anything that can be analysed."""

from __future__ import annotations

from fitdoctor.recording.model import ProcessRecord


def has_measured_units(scout: ProcessRecord) -> bool:
    """Whether there is a unit whose cost is known."""
    fits = any(fit.step.count or fit.first_step.count for fit in scout.fits if not fit.declined)
    return fits or any(loop.run.count for loop in scout.loops)
