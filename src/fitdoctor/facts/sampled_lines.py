"""The user's lines that Python time goes to, by samples of the stack."""

from __future__ import annotations

from pathlib import PurePath

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.locations import location
from fitdoctor.report.model import Evidence, Location
from fitdoctor.wording import percent


def sampled_locations(fit: FitFacts, *where: str) -> list[Location]:
    """The sampled lines in the given parts of a fit, the costliest first."""
    return [location(line.site) for line in fit.record.hot_lines if line.where in where]


def costliest_line(fit: FitFacts, what: str, where: str) -> list[Evidence]:
    """A sentence on the costliest line in one part, or nothing if there were too few samples."""
    lines = [line for line in fit.record.hot_lines if line.where == where]
    if not lines:
        return []
    first = lines[0]
    text = (
        f"{percent(first.share)} of {what} is spent at {PurePath(first.site.file).name}:{first.site.line}: "
        f"{first.site.code}"
    )
    return [Evidence(text=text, value=first.share)]
