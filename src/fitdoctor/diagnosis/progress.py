"""The messages of a running diagnosis."""

from __future__ import annotations

from typing import Protocol

from fitdoctor.report.model import Report


class Progress(Protocol):
    """Shows a diagnosis to the user. Calls are cheap, come from one thread, and never raise."""

    def stage(self, text: str) -> None:
        """Shows that a stage begins, e.g. "learning what train.py does"."""

    def waiting(self, text: str, elapsed_s: float) -> None:
        """Shows that a stage goes on, e.g. "training at train.py:47", and for how long already."""

    def trial(self, text: str, spent_s: float, budget_s: float, best: str) -> None:
        """Shows that a trial goes on.

        Args:
            text: What is tried, e.g. "prefetch on the step of train.py:47".
            spent_s: Seconds of the budget that are used up.
            budget_s: The whole budget.
            best: The best so far, e.g. "2.9× with vectorized-map", or "" while nothing has helped.
        """

    def first_answer(self, report: Report) -> None:
        """Shows the report after the scout. Its causes are only estimated."""

    def note(self, text: str) -> None:
        """Shows a whole sentence that the user should know."""

    def done(self) -> None:
        """Restores the terminal: nothing more follows. May be called twice."""
