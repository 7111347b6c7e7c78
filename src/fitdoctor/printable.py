"""Text from outside as a terminal may show it: file names, arguments, exceptions, code, recordings.

Whatever prints such a text takes `printable` for it, in our process and in the user's: standard library only.
"""

from __future__ import annotations

import re

#: Signs of ours that a terminal without UTF-8 can't show, and what stands for them there.
ASCII_SIGNS = str.maketrans(
    {
        "·": "-", "×": "x", "–": "-", "—": "-", "…": "...", "│": "|", "✓": "+", "✗": "x", "▶": ">", "≥": ">=", "≤": "<=",
        "→": "->", "−": "-", "µ": "u", "“": '"', "”": '"', "‘": "'", "’": "'", "█": "#", "░": ".",
    }
)  # fmt: skip

#: Commands to a terminal (ECMA-48): strings such as the title (OSC, DCS, SOS, PM, APC), sequences (CSI), and the short
#: ones. An unfinished string ends with its line: the rest of the text is not lost.
_ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)


def printable(text: str, *, ascii_only: bool = False, lines: bool = False, keep: str = "") -> str:
    r"""Drops what commands a terminal, and replaces what it can't show: control characters, marks of direction, lone surrogates.

    Args:
        text: Any text.
        ascii_only: Whether nothing but ASCII can be shown.
        lines: Whether line breaks stay; else they become spaces, so that the text can't begin a line.
        keep: Signs that are left as they are.

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
