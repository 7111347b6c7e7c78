"""What commands print beside a report: every message passes here, since it may hold text from anywhere."""

from __future__ import annotations

import codecs
import sys
from contextlib import suppress
from typing import IO, TextIO

from fitdoctor.printable import ASCII_SIGNS, printable

#: How text is written that the encoding of a stream has no sign for: as on a terminal that shows ASCII only, never as
#: an error.
SHOWN_SOMEHOW = "fitdoctor"
#: Columns of a message on a terminal, as of a report.
NARROWEST, WIDEST = 40, 120


def say(text: str) -> None:
    """Prints a message on stderr. Its first line is marked as ours, and no text in it can begin a line that looks so.

    Example:
        >>> say("Interrupted.")
        fitdoctor: Interrupted.
    """
    if sys.stderr is not None:  # it is closed, or full: whoever calls goes on
        with suppress(AttributeError, OSError, ValueError):
            shown = printable(f"fitdoctor: {text}".replace("\n", "\n  "), lines=True)
            put(wrapped(shown, sys.stderr), sys.stderr)


def wrapped(text: str, stream: IO[str] | None) -> str:
    """Breaks the lines of a message between words at the width of the terminal that a stream is; elsewhere it stays as
    it is.

    Example:
        >>> wrapped("fitdoctor: Interrupted.", sys.stderr)
        'fitdoctor: Interrupted.'
    """
    if stream is None or not is_terminal(stream):
        return text
    return "\n".join(_lines(line) for line in text.split("\n"))


def _lines(line: str) -> str:
    import shutil
    import textwrap

    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    return textwrap.fill(
        line,
        max(min(shutil.get_terminal_size().columns, WIDEST), NARROWEST),
        subsequent_indent=indent,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person sits behind `stream`. A closed or replaced stream has none."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def put(text: str, stream: TextIO | None = None) -> None:
    """Prints lines on stdout or another stream, cleaned for it.

    Raises:
        OSError: The stream is closed, or its disk is full.

    Example:
        >>> put("Wrote run.fitdoctor.json")
        Wrote run.fitdoctor.json
    """
    stream = stream if stream is not None else sys.stdout
    stream.write(printable(text, ascii_only=is_ascii(stream), lines=True) + "\n")
    stream.flush()


def is_ascii(stream: TextIO | None) -> bool:
    """Whether a stream can't show all of Unicode, which is to be taken as ASCII."""
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
    return not encoding.startswith("utf")


def never_fail_on_signs() -> None:
    """From here on neither stdout nor stderr of this process raises where it has no sign for a text, such as in a page
    of help.
    """
    codecs.register_error(SHOWN_SOMEHOW, _as_ascii)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed or replaced
            stream.reconfigure(errors=SHOWN_SOMEHOW)  # type: ignore[union-attr]


def _as_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(ASCII_SIGNS)
    return "".join(sign if sign.isascii() else "?" for sign in text), error.end
