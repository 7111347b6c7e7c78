"""What is shown before it is run holds all that is run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.exact import exact, is_plain


@given(st.text(st.characters()), st.booleans())
def test_all_of_a_text_is_there_and_can_be_seen(text: str, ascii_only: bool) -> None:
    shown = exact(text, ascii_only=ascii_only)
    assert is_plain(shown)
    assert not ascii_only or shown.isascii()
    assert len(shown) >= len(text) or 21 * " " in text


def test_what_is_clear_stays() -> None:
    assert exact("grün – 日本 \\n") == "grün – 日本 \\n"
    assert exact("grün", ascii_only=True) == r"gr\xfcn"


def test_letters_that_change_the_order_are_written_out_but_no_reason_to_refuse() -> None:
    assert exact("a = '\u05d0' # 1") == r"a = '\u05d0' # 1"
    assert is_plain("\u05d0")
