"""Times what the device computes while the loop of a fit reads and sends the next steps."""

from __future__ import annotations

from fitdoctor.probe.timing.device_overlap import Overlap
from fitdoctor.probe.timing.durations import add, lengthen
from fitdoctor.recording.model import Fit


class DeviceTimer:
    """Adds the device's time to the record of a fit, as far as its steps are sampled.

    Args:
        record: The record of the fit.

    Attributes:
        overlap: The calls of this epoch. None unless the backend is asynchronous.
        still_computing_s: Time for which the end of this epoch waited for steps, once that is known.
    """

    def __init__(self, record: Fit) -> None:
        self._record = record
        self.overlap: Overlap | None = None
        self.still_computing_s: float | None = None
        self._first_wait_s = self._idle_s = 0.0

    def epoch_begins(self) -> None:
        """An epoch begins."""
        self.still_computing_s = None
        if self.overlap is not None:
            self.overlap.epoch_begins()

    def first_wait(self, number: int, seconds: float, now_s: float, returned_s: float) -> None:
        """A step has waited for its first batch. Later waits of a step overlap with nothing but earlier calls.

        Args:
            number: Of the step in this epoch.
            seconds: The wait.
            now_s: The clock's time.
            returned_s: Time at which the train function returned from the step before.
        """
        overlap = self.overlap
        assert overlap is not None
        began_s = now_s - seconds
        if number:
            overlap.sent(number - 1, returned_s)
        overlap.drawing(number, began_s)
        self._first_wait_s, self._idle_s = seconds, overlap.idle_s(number, began_s, now_s)

    def add_step(self, number: int, waited_s: float, *, first_sampled: bool) -> None:
        """Adds the idle part of a step's waits, and the computing time of all steps that are done.

        Args:
            number: Of the step in this epoch.
            waited_s: All waits for the step's batches.
            first_sampled: Whether the step before was skipped. Then it is unknown when that one was done.
        """
        overlap = self.overlap
        if overlap is None or not overlap.observed:
            return
        if not first_sampled:
            idle_share = self._idle_s / self._first_wait_s if self._first_wait_s > 0 else 0.0
            add(self._record.input_idle, min(1.0, idle_share) * waited_s, first=False)
        self._add_computed(overlap, number)

    def computing_s(self, steps: int, since_s: float, until_s: float) -> float:
        """Seconds between two times for which the device computed steps of this epoch, all of whose calls returned."""
        if self.overlap is None or not steps:
            return 0.0
        last_s = self.overlap.done_at(steps - 1)
        return 0.0 if last_s is None else max(0.0, min(last_s, until_s) - since_s)

    def epoch_ends(self, steps: int, computing_s: float, returned_s: float, *, only_step: bool) -> None:
        """Adds the time for which the end of an epoch waited for its steps.

        Args:
            steps: Number of steps of the epoch.
            computing_s: The time.
            returned_s: Time at which the train function returned from the last step.
            only_step: Whether the fit has had no other step than the last one.
        """
        overlap = self.overlap
        assert overlap is not None
        if steps > 1:
            add(self._record.still_computing, computing_s)
        elif steps:  # it is that step's own time
            lengthen(self._record.first_step if only_step else self._record.epoch_first_step, computing_s)
        overlap.sent(steps - 1, returned_s)
        self._add_computed(overlap, steps, alone=steps == 1)

    def _add_computed(self, overlap: Overlap, sent: int, *, alone: bool = False) -> None:
        for number, seconds in overlap.computed(sent):
            if number or alone:  # the first step of an epoch has a record of its own, unless there is no other
                add(self._record.device, seconds, first=False)
