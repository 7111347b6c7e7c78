"""Lines of text that fit a terminal: wrapped, cropped, coloured or not, UTF-8 or plain ASCII."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from fitdoctor.printable import printable
from fitdoctor.report.figures import GLUE, bind

if TYPE_CHECKING:
    from rich.containers import Lines
    from rich.text import Text

NARROWEST = 40
"""Below this many columns lines are left to the terminal: every layout would be worse than its wrapping."""

WIDEST = 120
"""Lines longer than this are hard to read, however wide the terminal is."""

EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"

WORD = re.compile(r"\s*\S+\s*")

Span = tuple[str, str]
"""Some text and its style, as rich names them."""


class Canvas:
    """Collects lines and gives them as one string.

    Args:
        width: Columns to fill.
        color: Whether to style with ANSI codes.
        ascii_only: Whether the stream can't show more than ASCII.
    """

    def __init__(self, *, width: int, color: bool, ascii_only: bool) -> None:
        from rich.console import Console

        self.width = max(NARROWEST, min(width, WIDEST))
        self._ascii_only = ascii_only
        self._console = Console(
            file=io.StringIO(),
            width=self.width,
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            legacy_windows=False,
            highlight=False,
            emoji=False,
            markup=False,
            _environ={},
        )
        self._lines: list[Text] = []

    def blank(self) -> None:
        """Leaves a line free, but never two."""
        from rich.text import Text

        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def block(self, *spans: Span | str, prefix: Span | str = "  ") -> None:
        """Writes a paragraph; what does not fit is continued below its beginning, behind the prefix."""
        lead, text = self._text(prefix), self._text(*spans)
        room = self.width - lead.cell_len
        for index, line in enumerate(_wrapped(text, room)):
            start = lead if index == 0 else self._text(" " * lead.cell_len)
            self._lines.append(start + line)

    def cropped(self, *spans: Span | str, prefix: Span | str = "  ") -> None:
        """Writes one line and cuts off what does not fit: for the user's code."""
        line = self._text(prefix) + self._text(*spans)
        if line.cell_len > self.width:
            dots = "..." if self._ascii_only else "…"
            line.truncate(self.width - len(dots), overflow="crop")
            line.append(dots)
        self._lines.append(line)

    def whole(self, *spans: Span | str, prefix: Span | str = "  ") -> None:
        """Writes one line however long it is: a command that is to be copied must not be broken."""
        self._lines.append(self._text(prefix) + self._text(*spans))

    def fits(self, *spans: Span | str) -> bool:
        """Whether these would stand on one line."""
        return self._text(*spans).cell_len <= self.width

    def bar(self, part: float, columns: int) -> str:
        """Draws a share of `columns`, in eighths of a column where the stream can show them."""
        filled = min(max(part, 0.0), 1.0) * columns
        if self._ascii_only:
            return "#" * round(filled)
        whole, eighth = divmod(round(filled * 8), 8)
        return FULL * whole + EIGHTHS[eighth].strip()

    def text(self) -> str:
        """Gives all lines, ended by a line break."""
        stream = io.StringIO()
        self._console.file = stream
        for line in self._lines:
            line.rstrip()
            self._console.print(line, soft_wrap=True)
        return stream.getvalue().replace(GLUE, " ")

    def _text(self, *spans: Span | str) -> Text:
        from rich.text import Text

        text = Text()
        for span in spans:
            content, style = (span, "") if isinstance(span, str) else span
            text.append(bind(plain_signs(content, ascii_only=self._ascii_only)), style=style)
        return text


def _wrapped(text: Text, room: int) -> Lines:
    """Breaks text between words only: a path that is longer than a line is to be copied, and overflows it."""
    from rich.cells import cell_len

    offsets, column = [], 0
    for found in WORD.finditer(text.plain):
        word = found.group()
        if column and column + cell_len(word.rstrip()) > room:
            offsets.append(found.start())
            column = 0
        column += cell_len(word)
    return text.divide(offsets)


def plain_signs(text: str, *, ascii_only: bool) -> str:
    """Makes text harmless for a terminal: one line, and a glued space stays one."""
    return printable(text, ascii_only=ascii_only, keep=GLUE)
