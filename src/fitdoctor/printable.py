"""Makes text from outside safe for a terminal: file names, arguments, exceptions, code, recordings.

It is used in our process and in the user's, so it imports the standard library only.
"""

from __future__ import annotations

import re

# Replacements for our own characters on a terminal without UTF-8.
ASCII_SIGNS = str.maketrans(
    {
        "·": "-", "×": "x", "–": "-", "—": "-", "…": "...", "│": "|", "✓": "+", "✗": "x", "▶": ">", "≥": ">=",
        "≤": "<=", "→": "->", "−": "-", "µ": "u", "“": '"', "”": '"', "‘": "'", "’": "'", "█": "#", "░": ".",
    }
)  # fmt: skip

# Commands to a terminal (ECMA-48): strings like the title (OSC, DCS, SOS, PM, APC), sequences (CSI), and short
# ones. An unfinished string ends with its line, so that the rest of the text is kept.
_ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)


def printable(text: str, *, ascii_only: bool = False, lines: bool = False, keep: str = "") -> str:
    r"""Removes commands to a terminal, and replaces control characters, marks of direction and lone surrogates.

    Args:
        text: Any text.
        ascii_only: Whether the terminal shows only ASCII.
        lines: Whether line breaks stay. Else they become spaces, so that the text can't begin a line.
        keep: Characters that stay as they are.

    Example:
        >>> printable("a\x1b]0;title\x07b\nc")
        'ab c'
    """
    if lines:
        return "\n".join(printable(line, ascii_only=ascii_only, keep=keep) for line in text.split("\n"))
    if not text.isprintable():
        text = _ESCAPES.sub("", text).replace("\t", "    ")
        text = "".join(sign if sign.isprintable() or sign in keep else " " for sign in text)
    if not ascii_only or text.isascii():
        return text
    return "".join(sign if sign.isascii() or sign in keep else "?" for sign in text.translate(ASCII_SIGNS))
