"""The state that a role shares with its recorders."""

from __future__ import annotations

import pytest

from fitdoctor.probe.observe.session import MOST_LIMITS, OWN_CALL, Session
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import CallSiteRecord, Ending, ProcessRecord, Site


@pytest.fixture
def session() -> Session:
    return Session(ProcessRecord(), Ledger("start", started_s=0.0), lambda: None)


def test_an_own_call_is_current_only_while_paused(session: Session) -> None:
    outer = session.current_call = CallSiteRecord(kind="predict", site=Site(file="train.py", line=1))
    found: list[CallSiteRecord | None] = []

    def fails() -> None:
        with session.paused():
            found.append(session.current_call)
            raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        fails()
    assert found == [OWN_CALL]
    assert session.current_call is outer


def test_a_limit_is_reported_once_and_limits_are_few(session: Session) -> None:
    for number in range(2 * MOST_LIMITS):
        session.missing(f"limit {number}")
        session.missing("limit 0")
    assert session.record.limits == [f"limit {number}" for number in range(MOST_LIMITS)]


def test_the_first_ending_counts(session: Session) -> None:
    session.end(Ending(how="exception", error="ValueError"))
    session.end(Ending(how="finished"))
    assert session.record.ending.how == "exception"
