"""How many cores a training may use, and which thread settings are too low or too high."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.facts.locations import location, locations
from fitdoctor.facts.units import times
from fitdoctor.recording.model import ThreadSetting
from fitdoctor.report.model import Evidence, Interval
from fitdoctor.wording import duration

# A setting up to this share of the cores leaves a visible part of them idle.
FEW = 0.5
# From this many threads a core on, they slow each other down. Frameworks start two a core for hyper-threads.
MANY = 4


def usable_cores(facts: Facts) -> int:
    """The cores that the process may run on, or fewer if its container grants less time."""
    cores, quota = facts.scout.environment.get("cores"), facts.scout.environment.get("quota_cores")
    usable = int(cores) if isinstance(cores, int) else 0
    return min(usable, max(1, ceil(quota))) if isinstance(quota, (int, float)) and quota > 0 else usable


def too_few(facts: Facts) -> list[ThreadSetting]:
    """The settings that leave at least half of the cores idle."""
    return [setting for setting in facts.scout.threads if setting.value <= FEW * usable_cores(facts)]


def too_many(facts: Facts) -> list[ThreadSetting]:
    """The settings that ask for far more threads than there are cores."""
    cores = usable_cores(facts)
    return [setting for setting in facts.scout.threads if cores and setting.value >= MANY * cores]


def as_written(settings: Sequence[ThreadSetting]) -> str:
    """The settings as a shell or a script writes them.

    Example:
        >>> as_written([ThreadSetting(name="OMP_NUM_THREADS", value=1)])
        'OMP_NUM_THREADS=1'
    """
    return " and ".join(
        f"{each.name}({each.value})" if "." in each.name else f"{each.name}={each.value}" for each in settings
    )


def thread_finding(facts: Facts, settings: Sequence[ThreadSetting], shares: Interval) -> Finding | None:
    """The finding that some settings cost these shares of all steps. None if that is not worth a cause.

    A setting holds for the whole process. Processes are compared by their longest fit, so the finding belongs to that
    fit.
    """
    fit = max(facts.fits, key=lambda each: each.function_s * each.steps("mid"), default=None)
    if fit is None or not settings:
        return None
    cost, cores = times(shares, fit.function_s * fit.steps("mid")), usable_cores(facts)
    if not facts.worthwhile(cost):
        return None
    return Finding(
        fit=fit.index,
        cost_s=cost,
        locations=locations(
            *(location(setting.site) for setting in settings if setting.site), location(fit.record.site)
        ),
        evidence=(
            Evidence(text=f"{as_written(settings)}, on {cores} cores.", value=cores),
            Evidence(text=f"A step takes {duration(fit.step_s)} with it.", value=fit.step_s, unit="s"),
        ),
        data={"settings": [setting.name for setting in settings]},
    )
