"""Times what lies between the steps of a fit: its setup, the epochs' boundaries and its teardown."""

from __future__ import annotations

from fitdoctor.probe.timing.durations import add
from fitdoctor.recording.model import Fit


class EpochTimer:
    """Charges the time that belongs to no step, no validation pass and no hook to setup, boundaries and teardown.

    The caller reads the clock. `hooks_s` is always the time of all hooks of the fit so far: hooks are parts of their
    own, so their time is subtracted.

    Args:
        record: The record of the fit.
        fit_began_s: Time at which the fit began.

    Attributes:
        count: Number of epochs that have ended.
        running: Whether an epoch has begun, and its last hook has not returned.
        accounted_s: Time of this epoch that belongs to steps and the like.
        earlier_steps: Number of steps of the epochs before this one.
        first_batch_requested_s: Time at which the loop requested the first batch of this epoch, where it does that
            before the first hook of a step.
        cut_s: Time at which this epoch was cut short, if it was.
    """

    def __init__(self, record: Fit, fit_began_s: float) -> None:
        self._record = record
        self._fit_began_s = fit_began_s
        self.count = 0
        self.running = False
        self.accounted_s = 0.0
        self.earlier_steps = 0
        self.first_batch_requested_s: float | None = None
        self.cut_s: float | None = None
        self._set_up = False
        self._began_s: float | None = None
        self._hooks_at_begin_s = 0.0
        self._hooks_returned_s = self._hooks_at_return_s = 0.0

    def begins(self, now_s: float, hooks_s: float) -> None:
        """An epoch begins, which ends the boundary of the epoch before, or the setup."""
        if not self._set_up:
            add(self._record.setup, now_s - self._fit_began_s - hooks_s)
            self._set_up = True
        else:
            self._close(now_s, hooks_s)
        self.running = True
        self._began_s, self._hooks_at_begin_s = now_s, hooks_s
        self.accounted_s, self.first_batch_requested_s = 0.0, None

    def resume_after_cut(self, now_s: float) -> None:
        """The pipeline of an epoch that was cut has shut down. The whole training would not pay for that."""
        if self.cut_s is not None:
            self.accounted_s += now_s - self.cut_s
            self.cut_s = None

    def hooks_returned(self, now_s: float, hooks_s: float) -> None:
        """The last hook of an epoch has returned."""
        self.running = False
        self._hooks_returned_s, self._hooks_at_return_s = now_s, hooks_s

    def fit_ends(self, now_s: float, hooks_s: float) -> None:
        """The fit ends, which ends its teardown."""
        if not self._set_up:
            add(self._record.setup, now_s - self._fit_began_s - hooks_s)
        elif self.running:  # an exception has ended the epoch
            self._close(now_s, hooks_s)
        else:
            self._close(self._hooks_returned_s, self._hooks_at_return_s)
            teardown_s = now_s - self._hooks_returned_s - (hooks_s - self._hooks_at_return_s)
            add(self._record.teardown, max(0.0, teardown_s))

    def _close(self, now_s: float, hooks_s: float) -> None:
        if self._began_s is not None:
            boundary_s = now_s - self._began_s - self.accounted_s - (hooks_s - self._hooks_at_begin_s)
            add(self._record.epoch_boundary, max(0.0, boundary_s))
        self._began_s = None
