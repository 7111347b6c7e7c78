"""What a diagnosis tells while it runs."""

from __future__ import annotations

from typing import Protocol

from fitdoctor.report.model import Report


class Progress(Protocol):
    """Follows a diagnosis for the user. Calls are cheap, come from one thread, and never raise."""

    def stage(self, text: str) -> None:
        """A new stage has begun, e.g. "learning what train.py does"."""

    def waiting(self, text: str, elapsed_s: float) -> None:
        """The stage goes on: what it is at, e.g. "training at train.py:47", and for how long it has been going on."""

    def trial(self, text: str, spent_s: float, budget_s: float, best: str) -> None:
        """A trial goes on.

        Args:
            text: What is being tried, e.g. "prefetch on the step of train.py:47".
            spent_s: Seconds of the budget that are used up.
            budget_s: The whole budget.
            best: The best so far, e.g. "2.9× with vectorized-map", or "" while nothing has helped.
        """

    def first_answer(self, report: Report) -> None:
        """The scout is back: a report of stage "first answer", whose causes are only estimated."""

    def note(self, text: str) -> None:
        """Something that the user should know, in a whole sentence."""

    def done(self) -> None:
        """Nothing more follows: leave the terminal as it was. May be called twice."""
