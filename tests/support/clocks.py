"""A clock that only a test advances."""

from __future__ import annotations


class FakeClock:
    """Starts at `now`."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds
