"""Text from outside cannot control the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b]0;title\x07b", "ab"),  # sets the title
        ("a\x1b]8;;http://x\x1b\\b", "ab"),  # a link
        ("a\x1b]52;c;aGk=\x9cb", "ab"),  # the clipboard
        ("a\x1b[2J\x1b[1;31mb\x1b[0m", "ab"),  # clears the screen, colours
        ("a\x9b31mb", "ab"),  # the same in one byte
        ("a\x1bPq#0\x1b\\b", "ab"),  # a picture
        ("a\x1bcb", "ab"),  # resets
        ("a\x1b", "a"),
        ("a\x1b]0;no end", "a"),
        ("a\x08\x7f\x00\x85b", "a    b"),
        ("a\u202eb\u2066c\u200fd", "a b c d"),  # writes backwards
        ("a\udcffb", "a b"),  # a file name that is not UTF-8
        ("a\r\nb\u2028c", "a  b c"),  # begins a line
        ("a\tb", "a    b"),
        ("grün – 日本", "grün – 日本"),
    ],
)
def test_terminal_commands_are_removed_and_words_stay(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_an_ascii_terminal_gets_ascii_replacements() -> None:
    assert printable("“2.9×” – 日…", ascii_only=True) == '"2.9x" - ?...'


def test_line_breaks_stay_only_on_request() -> None:
    assert printable("a\n\x1b]0;b\nc", lines=True) == "a\n\nc"
    assert printable("a\nb") == "a b"


@given(st.text(st.characters()), st.booleans(), st.booleans())
def test_no_control_character_remains(text: str, ascii_only: bool, lines: bool) -> None:
    shown = printable(text, ascii_only=ascii_only, lines=lines)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert lines or "\n" not in shown
    assert printable(shown, ascii_only=ascii_only, lines=lines) == shown
    assert not ascii_only or shown.isascii()
