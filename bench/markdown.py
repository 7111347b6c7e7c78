"""Paragraphs and rows of tables for the pages that benchmarks write."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

WIDTH = 120

# Stands for the space in "95 %", so that no line ends between the two.
UNBREAKABLE = "\N{NO-BREAK SPACE}"


def paragraph(text: str) -> str:
    """Wraps a text at the width of the pages.

    Example:
        >>> paragraph("one  two")
        'one two'
    """
    joined = re.sub(r"(\d) %", rf"\1{UNBREAKABLE}%", " ".join(text.split()))
    lines = textwrap.fill(joined, WIDTH, break_long_words=False, break_on_hyphens=False)
    return lines.replace(UNBREAKABLE, " ")


def row(cells: Iterable[object]) -> str:
    """One line of a table.

    Example:
        >>> row(["jax", 3])
        '| jax | 3 |'
    """
    return f"| {' | '.join(str(cell) for cell in cells)} |"
