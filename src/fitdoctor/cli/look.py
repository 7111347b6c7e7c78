"""What a stream can show: how wide, in colour or not, UTF-8 or ASCII."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TextIO

from fitdoctor.cli.say import is_ascii, is_terminal
from fitdoctor.report.text import PLAIN_WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How to render for one stream. Its fields are the keywords of `report.text.render`."""

    width: int = PLAIN_WIDTH
    color: bool = False
    ascii_only: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Look:
        """Looks at `stream`. Files and pipes get the plain look; `NO_COLOR` and dumb terminals are respected."""
        ascii_only = is_ascii(stream)
        if not is_terminal(stream):
            return cls(ascii_only=ascii_only)
        width = shutil.get_terminal_size(fallback=(PLAIN_WIDTH, 24)).columns
        color = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(width=width, color=color, ascii_only=ascii_only)
