"""Checks that our own remedies offer the changes of a recording, which may come from anyone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from fitdoctor.causes.registry import run_causes
from fitdoctor.changes.model import from_data
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.facts import Facts
from fitdoctor.remedies.registry import offers
from fitdoctor.report.model import Treatment
from fitdoctor.trials.outcomes import Outcome


def check_offered(facts: Facts, treatments: Iterable[Treatment], shown: str, *, again: str) -> None:
    """Checks that a remedy proposes each change for these facts, and that each change is valid.

    Args:
        facts: The facts of the recording.
        treatments: The treatments to apply.
        shown: The name of the recording in messages.
        again: The arguments of `fitdoctor diagnose` for another one.

    Raises:
        FitdoctorError: A change is not offered, or not valid.
    """
    offered = _offered(facts)
    for change in (change for treatment in treatments for change in treatment.changes):
        why = "which no remedy of this fitdoctor offers there" if change not in offered else _problem(change)
        if why:
            raise FitdoctorError(
                f"Received {shown} with the change {in_words(change)}, {why}; expected one from a diagnosis by this "
                f"version. Diagnose it again: “fitdoctor diagnose {again}”."
            )


def not_offered(facts: Facts, outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Returns changes of arms that saved time but that no remedy offers for these facts.

    Somebody put the changes, or their places, into the recording.
    """
    offered = _offered(facts)
    arms = [outcome.arm for outcome in outcomes if outcome.helps and outcome.arm.role in ("remedy", "prescription")]
    return [change for arm in arms for change in arm.changes if change not in offered]


def _offered(facts: Facts) -> list[dict[str, Any]]:
    return [
        change for finding in run_causes(facts)[0] for offer in offers(finding, facts)[0] for change in offer.changes
    ]


def in_words(change: dict[str, Any]) -> str:
    """Returns a change for a message, without its place."""
    return json.dumps(
        {name: value for name, value in change.items() if name != "place"}, ensure_ascii=False, default=str
    )


def with_place(change: dict[str, Any]) -> str:
    """The same with its place, in full."""
    place = change.get("place")
    return (
        f"{in_words(change)} at {place.get('file')}:{place.get('line')}"
        if isinstance(place, dict)
        else in_words(change)
    )


def texts_of(data: Any) -> Iterator[str]:
    """All texts in a change, names included."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield from texts_of(name)
            yield from texts_of(value)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from texts_of(item)


def _problem(change: dict[str, Any]) -> str:
    try:
        from_data(change)
    except (TypeError, ValueError) as error:
        return f"which is refused ({error})"
    return ""
