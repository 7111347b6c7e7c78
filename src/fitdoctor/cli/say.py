"""Messages of the commands. Each is cleaned for the terminal, since it may hold text from anywhere."""

from __future__ import annotations

import codecs
import sys
from contextlib import suppress
from typing import IO, TextIO

from fitdoctor.printable import ASCII_SIGNS, printable

# The name of our error handler of codecs: it replaces characters that a stream can't encode.
ERROR_HANDLER = "fitdoctor"

# Columns of a message on a terminal, as of a report.
NARROWEST, WIDEST = 40, 120


def say(text: str) -> None:
    """Prints a message on stderr. Its first line is marked as ours; no other line of it can look so.

    Example:
        >>> say("Interrupted.")
        fitdoctor: Interrupted.
    """
    if sys.stderr is not None:  # a closed or full stream must not end the command
        with suppress(AttributeError, OSError, ValueError):
            shown = printable(f"fitdoctor: {text}".replace("\n", "\n  "), lines=True)
            print_lines(wrapped(shown, sys.stderr), sys.stderr)


def wrapped(text: str, stream: IO[str] | None) -> str:
    """Wraps the lines of a message between words, at the width of the terminal. Elsewhere the message is unchanged.

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
    """Whether a person reads `stream`. A closed or replaced stream is no terminal."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def print_lines(text: str, stream: TextIO | None = None) -> None:
    """Prints lines on stdout or another stream, cleaned for it.

    Raises:
        OSError: The stream is closed, or its disk is full.

    Example:
        >>> print_lines("Wrote run.fitdoctor.json")
        Wrote run.fitdoctor.json
    """
    stream = stream if stream is not None else sys.stdout
    stream.write(printable(text, ascii_only=is_ascii(stream), lines=True) + "\n")
    stream.flush()


def is_ascii(stream: TextIO | None) -> bool:
    """Whether a stream can't show all of Unicode. It is then treated as ASCII."""
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
    return not encoding.startswith("utf")


def replace_unencodable() -> None:
    """From here on, stdout and stderr replace characters that they can't encode. They raise no error."""
    codecs.register_error(ERROR_HANDLER, _as_ascii)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed or replaced
            stream.reconfigure(errors=ERROR_HANDLER)  # type: ignore[union-attr]


def _as_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(ASCII_SIGNS)
    return "".join(sign if sign.isascii() else "?" for sign in text), error.end
