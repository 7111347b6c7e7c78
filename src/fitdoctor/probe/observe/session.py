"""The state that a role shares with its recorders: what runs on the main thread now, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fitdoctor.probe.support.originals import threading
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import StepSkip
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import CallSiteRecord, Ending, ProcessRecord, Site

MOST_LIMITS = 64
# The current call while fitdoctor itself calls Keras.
OWN_CALL = CallSiteRecord(kind="fitdoctor", site=Site(file="", line=0))


class Session:
    """One recorded process.

    Hooks of every step read `timer`, `current_call`, `main` and `step_skip`, so these are plain attributes.

    Attributes:
        record: The record that is filled.
        ledger: The account of the main thread.
        timer: Of the fit that runs; None outside.
        fit_index: The index of that fit's record; -1 outside.
        current_call: The call of `predict` and the like that runs, or `OWN_CALL`. Hooks and further calls belong to it.
        main: The thread that is recorded.
        step_skip: The state of step sampling, which the hooks of steps read.
        skips_steps: Whether steps may be skipped: set when the hook that counts them is installed.
        hurried: Whether the script is only on its way to a rehearsal's target, so that the least is recorded.
        switch_s: The interpreter's switch interval while stacks are sampled; None leaves it unchanged, as a real
            training requires.
    """

    hurried = False
    switch_s: float | None = None

    def __init__(self, record: ProcessRecord, ledger: Ledger, save: Callable[[], None]) -> None:
        self.record, self.ledger, self._save = record, ledger, save
        self.timer: FitTimer | None = None
        self.fit_index = -1
        self.current_call: CallSiteRecord | None = None
        self.main = threading.get_ident()
        self.step_skip, self.skips_steps = StepSkip(), False

    def on_main_thread(self) -> bool:
        return threading.get_ident() == self.main

    def draws_training_batch(self) -> bool:
        """Whether a batch that is drawn now is one that the fit trains on."""
        timer = self.timer
        return timer is not None and self.on_main_thread() and not timer.validating and not self.current_call

    def batch_waited(self, seconds: float) -> None:
        """Records how long the loop, or the train function, waited for a batch."""
        if self.timer is not None and self.draws_training_batch():
            self.timer.batch_waited(seconds)

    def pause(self) -> None:
        """Stops the recording of Keras calls for good: from here on only trials run."""
        self.timer, self.current_call = None, OWN_CALL

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Marks what Keras runs within as a call of fitdoctor's own: it is neither recorded, cut nor replaced."""
        outer, self.current_call = self.current_call, OWN_CALL
        try:
            yield
        finally:
            self.current_call = outer

    # the record

    def missing(self, why: str) -> None:
        """Adds a sentence to the report about what could not be recorded, once."""
        if why not in self.record.limits and len(self.record.limits) < MOST_LIMITS:
            self.record.limits.append(why)

    def save_now(self) -> None:
        """Brings the account of time up to date and writes the record."""
        self.record.parts = self.ledger.read() if self.on_main_thread() else self.ledger.peek()
        self.record.wall_s = sum(self.record.parts.values())
        self._save()

    def end(self, ending: Ending) -> None:
        """Records how the script ended; the first call counts."""
        if self.record.ending.how == "unfinished":
            self.record.ending = ending
        self.save_now()

    def overdue(self, place: Site | None) -> None:
        """Ends the record when the time limit of the process is reached."""
        self.end(Ending(how="limit", site=place))
