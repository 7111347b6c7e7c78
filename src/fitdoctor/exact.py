"""Shows text exactly, before it is run: nothing is dropped, and invisible characters are escaped."""

from __future__ import annotations

import re
import unicodedata

# In a row, before they are counted: as wide as the indentation of five levels.
MOST_SPACES = 20

#: What Python takes for printable though nothing is seen of it: fillers, joiners, selectors of a variant, a blank sign
#: of braille.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U00016fe4\U000e0000-\U000e0fff]"
)
_LONG_SPACE = re.compile(f" {{{MOST_SPACES + 1},}}")
# Letters that a terminal may show in another order than they stand in, with the signs around them.
_RIGHT_TO_LEFT = ("R", "AL", "AN")


def is_plain(text: str) -> bool:
    r"""Whether all characters of a text are visible: none is a control or format character, or an unusual space.

    Example:
        >>> is_plain("evil()\x1b[2K")
        False
    """
    return text.isprintable() and _UNSEEN.search(text) is None


def exact(text: str, *, ascii_only: bool = False) -> str:
    r"""A text with all that it holds. Long runs of spaces are counted, so that they push nothing out of sight.

    Args:
        text: Any text.
        ascii_only: Whether nothing but ASCII can be shown.

    Example:
        >>> exact("a\x1b]0;b\x07" + 3000 * " " + "c")
        'a\\x1b]0;b\\x07[3000 spaces]c'
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(sign if _is_clear(sign, ascii_only=ascii_only) else ascii(sign)[1:-1] for sign in text)
    return _LONG_SPACE.sub(lambda run: f"[{len(run[0])} spaces]", text)


def _is_clear(sign: str, *, ascii_only: bool) -> bool:
    if sign.isascii():
        return sign.isprintable()
    return not ascii_only and is_plain(sign) and unicodedata.bidirectional(sign) not in _RIGHT_TO_LEFT
