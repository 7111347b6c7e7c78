"""What a stream can show: how wide, in colour or not, with links or not, UTF-8 or ASCII."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from fitdoctor.cli.say import is_ascii, is_terminal
from fitdoctor.report.text import PLAIN_WIDTH

# Values of TERM that name terminals without escape sequences, and without hyperlinks.
WITHOUT_COLOR = ("dumb",)
WITHOUT_LINKS = ("", "dumb", "linux", "eterm", "eterm-color", "vt100", "vt220")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputStyle:
    """How to render for one stream. Its fields are keywords of `report.text.render`."""

    width: int = PLAIN_WIDTH
    color: bool = False
    ascii_only: bool = False
    links: bool = False

    @classmethod
    def for_stream(cls, stream: TextIO) -> OutputStyle:
        """Detects what `stream` can show.

        Files and pipes get plain text. `NO_COLOR`, `TERM` and `FORCE_HYPERLINK=0` are respected.
        """
        ascii_only = is_ascii(stream)
        if not is_terminal(stream):
            return cls(ascii_only=ascii_only)
        width = shutil.get_terminal_size(fallback=(PLAIN_WIDTH, 24)).columns
        terminal = os.environ.get("TERM", "")
        color = not os.environ.get("NO_COLOR") and terminal not in WITHOUT_COLOR
        links = color and terminal not in WITHOUT_LINKS and os.environ.get("FORCE_HYPERLINK") != "0"
        return cls(width=width, color=color, ascii_only=ascii_only, links=links)

    @property
    def keywords(self) -> dict[str, Any]:
        """The keywords for `report.text.render`."""
        return asdict(self)
