"""Fixtures of rehearsals."""

from __future__ import annotations

import pytest

from fitdoctor.recording.model import Arm, Rehearsal
from tests.support.clocks import FakeClock
from tests.support.fake_rehearsal import FakeChild, Try, started


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def child(clock: FakeClock) -> FakeChild:
    return FakeChild(clock)


@pytest.fixture
def attempt(clock: FakeClock, child: FakeChild) -> Try:
    def run(*arms: Arm, budget_s: float = 1000.0) -> Rehearsal:
        record = Rehearsal(arms=list(arms))
        started(child, record, clock, budget_s).try_fit()
        return record

    return run
