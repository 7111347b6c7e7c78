"""What a diagnosis shows on stderr while it runs:

one live line on a terminal, a few plain lines elsewhere, nothing with -q.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from fitdoctor.cli.look import Look
from fitdoctor.cli.say import is_terminal, wrapped
from fitdoctor.report.model import Report
from fitdoctor.report.text import render_first_answer

if TYPE_CHECKING:
    from rich.text import Text

    from fitdoctor.diagnosis.progress import Progress

REFRESHES_PER_SECOND = 1
"""Slow on purpose: the line is drawn on a machine that is being timed."""

QUIET_S = 10.0
"""Least time between two plain lines about trials: a log should tell the story, not every window."""

WAITING_S = 5.0
"""Between two plain lines about a stage that goes on: soon enough that nobody thinks it hangs."""

BAR_COLUMNS = 12

BROKEN_STREAM = (OSError, ValueError, SystemExit)
"""What writing to a closed stderr raises (rich: SystemExit). It must not end a diagnosis."""


def progress_on(stream: TextIO, *, quiet: bool) -> Progress:
    """Gives the progress that suits `stream`."""
    if quiet:
        return SilentProgress()
    return LiveProgress(stream) if is_terminal(stream) else PlainProgress(stream)


class SilentProgress:
    """Says nothing (`-q`)."""

    def stage(self, text: str) -> None: ...

    def waiting(self, text: str, elapsed_s: float) -> None: ...

    def trial(self, text: str, spent_s: float, budget_s: float, best: str) -> None: ...

    def first_answer(self, report: Report) -> None: ...

    def note(self, text: str) -> None: ...

    def done(self) -> None: ...


class PlainProgress:
    """A few lines for a log or a pipe."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._look = Look.of(stream)
        self._clock = clock
        self._last_text = ""
        self._last_s = -QUIET_S
        self._stage_s = -WAITING_S

    def stage(self, text: str) -> None:
        self._stage_s = self._clock()
        self._write(_shown(f"fitdoctor: {text}", self._look))

    def waiting(self, text: str, elapsed_s: float) -> None:
        now = self._clock()
        if now - self._stage_s >= WAITING_S:
            self._stage_s = now
            self._write(_shown(f"fitdoctor: {text} · {elapsed_s:.0f} s", self._look))

    def trial(self, text: str, spent_s: float, budget_s: float, best: str) -> None:
        now = self._clock()
        if text == self._last_text or now - self._last_s < QUIET_S:
            return
        self._last_text, self._last_s = text, now
        self._write(_shown(f"fitdoctor: {_trial(text, spent_s, budget_s, best)}", self._look))

    def first_answer(self, report: Report) -> None:
        self._write(render_first_answer(report, ascii_only=self._look.ascii_only))

    def note(self, text: str) -> None:
        self._write(_shown(f"fitdoctor: {text}", self._look))

    def done(self) -> None: ...

    def _write(self, text: str) -> None:
        with suppress(*BROKEN_STREAM):
            self._stream.write(text if text.endswith("\n") else f"{text}\n")
            self._stream.flush()


class LiveProgress:
    """One line that is drawn over, with what is tried, the best so far and the budget; what lasts scrolls by above it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._look = Look.of(stream)
        self._text = ""
        self._details: tuple[str, ...] = ()
        self._since_s = time.monotonic()
        self._started = self._broken = False
        self._console = Console(file=stream, no_color=not self._look.color, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._line,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def stage(self, text: str) -> None:
        self._since_s = time.monotonic()
        self._show(text)

    def waiting(self, text: str, elapsed_s: float) -> None:  # noqa: ARG002 - the line counts by itself
        if text != self._text:
            self._show(text)  # drawn anew once a second, with the seconds since the stage began

    def trial(self, text: str, spent_s: float, budget_s: float, best: str) -> None:
        part = min(spent_s / budget_s, 1.0) if budget_s > 0 else 1.0
        filled = round(part * BAR_COLUMNS)
        full, empty = ("#", ".") if self._look.ascii_only else ("█", "░")
        bar = full * filled + empty * (BAR_COLUMNS - filled)
        spent = _spent(spent_s, budget_s)
        self._show(text, f"{_best(best)} · {bar} {spent}", f"{_best(best)} · {spent}", f" · {spent}")

    def first_answer(self, report: Report) -> None:
        self._print(
            render_first_answer(
                report, width=self._look.width, color=self._look.color, ascii_only=self._look.ascii_only
            )
        )

    def note(self, text: str) -> None:
        self._print(wrapped(_shown(text, self._look), self._console.file))

    def done(self) -> None:
        if self._started and not self._broken:
            self._started = False
            with suppress(*BROKEN_STREAM):
                self._live.stop()

    def _show(self, text: str, *details: str) -> None:
        self._text, self._details = text, details
        if self._broken:
            return
        try:
            self._live.start()
            self._started = True
            self._live.refresh()
        except BROKEN_STREAM:
            self._broken = True

    def _print(self, text: str) -> None:
        from rich.text import Text

        with suppress(*BROKEN_STREAM):
            self._console.print(Text.from_ansi(text), soft_wrap=True)

    def _line(self) -> Text:
        """Draws the line with the longest details that fit; a stage shows its time, so that nobody thinks it hangs."""
        from rich.text import Text

        line = Text(f"  {_shown(self._text, self._look)}", no_wrap=True, overflow="crop")
        details = self._details or (f" · {time.monotonic() - self._since_s:.0f} s",)
        room = self._console.width - 1 - line.cell_len
        chosen = next((known for known in details if len(known) <= room), details[-1])
        line.truncate(max(self._console.width - 1 - len(chosen), 0), overflow="crop")
        line.append(_shown(chosen, self._look), style="dim")
        return line


def _trial(text: str, spent_s: float, budget_s: float, best: str) -> str:
    return f"{text}{_best(best)} · {_spent(spent_s, budget_s)}"


def _best(best: str) -> str:
    return f" · best so far {best}" if best else ""


def _spent(spent_s: float, budget_s: float) -> str:
    part = min(spent_s / budget_s, 1.0) if budget_s > 0 else 1.0
    return f"{part * 100:.0f} % of {budget_s:.0f} s"


def _shown(text: str, look: Look) -> str:
    """Makes text harmless for the stream: one line, without signs that it can't show."""
    from fitdoctor.report.canvas import plain_signs

    return plain_signs(text, ascii_only=look.ascii_only)
