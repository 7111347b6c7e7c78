"""Paragraphs and rows of tables for the pages that benchmarks write."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 120


def paragraph(text: str) -> str:
    """Wraps a text at the width of the pages.

    Example:
        >>> paragraph("one  two")
        'one two'
    """
    return textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


def row(cells: Iterable[object]) -> str:
    """One line of a table.

    Example:
        >>> row(["jax", 3])
        '| jax | 3 |'
    """
    return f"| {' | '.join(str(cell) for cell in cells)} |"
