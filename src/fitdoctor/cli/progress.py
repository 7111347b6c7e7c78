"""The progress of a diagnosis on stderr: one live line on a terminal, a few plain lines elsewhere, none with -q."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from fitdoctor.cli.say import is_terminal, wrapped
from fitdoctor.cli.terminal import OutputStyle
from fitdoctor.report.model import Report
from fitdoctor.report.text import render_first_answer

if TYPE_CHECKING:
    from rich.text import Text

    from fitdoctor.diagnosis.progress import Progress

# Slow on purpose: the line is drawn on a machine that is being timed.
REFRESHES_PER_SECOND = 1

# Shortest time between two plain lines about trials: a log should not list every window.
QUIET_S = 10.0

# Time between two plain lines about a long stage: short enough that nobody thinks it hangs.
WAITING_S = 5.0

BAR_COLUMNS = 12

# Exceptions of writing to a closed stderr (rich: SystemExit). They must not end a diagnosis.
BROKEN_STREAM = (OSError, ValueError, SystemExit)


def progress_on(stream: TextIO, *, quiet: bool) -> Progress:
    """Returns the progress display for `stream`."""
    if quiet:
        return SilentProgress()
    return LiveProgress(stream) if is_terminal(stream) else PlainProgress(stream)


class SilentProgress:
    """Shows nothing (`-q`)."""

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
        self._style = OutputStyle.for_stream(stream)
        self._clock = clock
        self._last_text = ""
        self._last_s = -QUIET_S
        self._stage_s = -WAITING_S

    def stage(self, text: str) -> None:
        self._stage_s = self._clock()
        self._write(_shown(f"fitdoctor: {text}", self._style))

    def waiting(self, text: str, elapsed_s: float) -> None:
        now = self._clock()
        if now - self._stage_s >= WAITING_S:
            self._stage_s = now
            self._write(_shown(f"fitdoctor: {text} · {elapsed_s:.0f} s", self._style))

    def trial(self, text: str, spent_s: float, budget_s: float, best: str) -> None:
        now = self._clock()
        if text == self._last_text or now - self._last_s < QUIET_S:
            return
        self._last_text, self._last_s = text, now
        self._write(_shown(f"fitdoctor: {_trial(text, spent_s, budget_s, best)}", self._style))

    def first_answer(self, report: Report) -> None:
        self._write(render_first_answer(report, ascii_only=self._style.ascii_only))

    def note(self, text: str) -> None:
        self._write(_shown(f"fitdoctor: {text}", self._style))

    def done(self) -> None: ...

    def _write(self, text: str) -> None:
        with suppress(*BROKEN_STREAM):
            self._stream.write(text if text.endswith("\n") else f"{text}\n")
            self._stream.flush()


class LiveProgress:
    """One line that is redrawn: the current trial, the best so far and the budget. Lasting lines scroll above it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._style = OutputStyle.for_stream(stream)
        self._text = ""
        self._details: tuple[str, ...] = ()
        self._since_s = time.monotonic()
        self._started = self._broken = False
        self._console = Console(file=stream, no_color=not self._style.color, highlight=False, markup=False, emoji=False)
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

    def waiting(self, text: str, elapsed_s: float) -> None:  # noqa: ARG002 - the line shows its own seconds
        if text != self._text:
            self._show(text)  # the line is redrawn once a second

    def trial(self, text: str, spent_s: float, budget_s: float, best: str) -> None:
        part = min(spent_s / budget_s, 1.0) if budget_s > 0 else 1.0
        filled = round(part * BAR_COLUMNS)
        full, empty = ("#", ".") if self._style.ascii_only else ("█", "░")
        bar = full * filled + empty * (BAR_COLUMNS - filled)
        spent = _spent(spent_s, budget_s)
        self._show(text, f"{_best(best)} · {bar} {spent}", f"{_best(best)} · {spent}", f" · {spent}")

    def first_answer(self, report: Report) -> None:
        self._print(render_first_answer(report, **self._style.keywords))

    def note(self, text: str) -> None:
        self._print(wrapped(_shown(text, self._style), self._console.file))

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
        """Draws the line with the longest details that fit. A stage shows its seconds, so nobody thinks it hangs."""
        from rich.text import Text

        line = Text(f"  {_shown(self._text, self._style)}", no_wrap=True, overflow="crop")
        details = self._details or (f" · {time.monotonic() - self._since_s:.0f} s",)
        room = self._console.width - 1 - line.cell_len
        chosen = next((known for known in details if len(known) <= room), details[-1])
        line.truncate(max(self._console.width - 1 - len(chosen), 0), overflow="crop")
        line.append(_shown(chosen, self._style), style="dim")
        return line


def _trial(text: str, spent_s: float, budget_s: float, best: str) -> str:
    return f"{text}{_best(best)} · {_spent(spent_s, budget_s)}"


def _best(best: str) -> str:
    return f" · best so far {best}" if best else ""


def _spent(spent_s: float, budget_s: float) -> str:
    part = min(spent_s / budget_s, 1.0) if budget_s > 0 else 1.0
    return f"{part * 100:.0f} % of {budget_s:.0f} s"


def _shown(text: str, style: OutputStyle) -> str:
    """Cleans text for the stream: one line, without signs that it can't show."""
    from fitdoctor.report.canvas import plain_signs

    return plain_signs(text, ascii_only=style.ascii_only)
