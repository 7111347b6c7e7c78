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

# Below this many columns the terminal wraps the lines: no layout of ours would be better.
NARROWEST = 40

# Longer lines are hard to read, however wide the terminal is.
WIDEST = 120

# A word of a shell command, with the spaces inside its quotes.
_SHELL_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""")

EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"

# A word, with the spaces around it.
_WORD = re.compile(r"\s*\S+\s*")

# Some text and its style, in rich's words.
Span = tuple[str, str]


class Canvas:
    """Collects lines and returns them as one string.

    Args:
        width: Columns to fill.
        color: Whether to style with ANSI codes.
        ascii_only: Whether the stream can show no more than ASCII.
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
        """Adds an empty line, but never two in a row."""
        from rich.text import Text

        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def block(self, *spans: Span | str, prefix: Span | str = "  ") -> None:
        """Adds a paragraph. Its other lines are indented as far as the prefix is long."""
        lead, text = self._text(prefix), self._text(*spans)
        room = self.width - lead.cell_len
        for index, line in enumerate(_wrapped(text, room)):
            start = lead if index == 0 else self._text(" " * lead.cell_len)
            self._lines.append(start + line)

    def cropped(self, *spans: Span | str, prefix: Span | str = "  ") -> None:
        """Adds one line and cuts off what does not fit: for the user's code."""
        line = self._text(prefix) + self._text(*spans)
        if line.cell_len > self.width:
            dots = "..." if self._ascii_only else "…"
            line.truncate(self.width - len(dots), overflow="crop")
            line.append(dots)
        self._lines.append(line)

    def command(self, command: str, *, style: str, prefix: Span | str = "  ") -> None:
        """Adds a shell command that can be copied: a line that is continued ends with a backslash."""
        lead = self._text(prefix)
        first, *rest = _SHELL_WORD.findall(command)
        line = lead + self._text((first, style))
        for word in rest:
            more = self._text((f" {word}", style))
            if line.cell_len + more.cell_len + len(" \\") > self.width:
                self._lines.append(line + self._text((" \\", style)))
                line = self._text(" " * (lead.cell_len + 2), (word, style))
            else:
                line += more
        self._lines.append(line)

    def fits(self, *spans: Span | str) -> bool:
        """Whether these spans fit on one line."""
        return self._text(*spans).cell_len <= self.width

    def bar(self, part: float, columns: int) -> str:
        """Draws a share of `columns`, in eighths of a column where the stream can show them."""
        filled = min(max(part, 0.0), 1.0) * columns
        if self._ascii_only:
            return "#" * round(filled)
        whole, eighth = divmod(round(filled * 8), 8)
        return FULL * whole + EIGHTHS[eighth].strip()

    def text(self) -> str:
        """Returns all lines, each with a line break at its end."""
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
    """Breaks text between words only. A path that is longer than a line overflows it, so that it can be copied."""
    from rich.cells import cell_len

    offsets, column = [], 0
    for found in _WORD.finditer(text.plain):
        word = found.group()
        if column and column + cell_len(word.rstrip()) > room:
            offsets.append(found.start())
            column = 0
        column += cell_len(word)
    return text.divide(offsets)


def plain_signs(text: str, *, ascii_only: bool) -> str:
    """Makes text safe for a terminal: one line without control codes. A glued space stays one."""
    return printable(text, ascii_only=ascii_only, keep=GLUE)
