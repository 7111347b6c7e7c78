"""`fitdoctor explain`: what the causes are, and the page of each."""

from __future__ import annotations

import difflib
import io
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from fitdoctor.cli.look import Look
from fitdoctor.errors import FitdoctorError

if TYPE_CHECKING:
    from fitdoctor.causes.base import Cause

_TITLE = re.compile(r"\A(# [^:\n]+): .*")
_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


@click.command()
@click.argument("cause", required=False)
def command(cause: str | None) -> None:
    """Shows the page of a cause, or lists all causes.

    A page says what the cause is, why it is slow, how it is detected, and what to write instead.
    """
    from fitdoctor.causes.registry import all_causes

    causes = all_causes()
    look = Look.of(sys.stdout)
    if cause is None:
        text = _table(causes, look)
    elif cause in causes:
        text = _page(causes[cause].page, look)
    else:
        raise FitdoctorError(_unknown(cause, causes))
    click.echo(text, nl=False, color=look.color)


def _table(causes: Mapping[str, Cause], look: Look) -> str:
    from fitdoctor.report.canvas import Canvas

    canvas = Canvas(width=look.width, color=look.color, ascii_only=look.ascii_only)
    column = max((len(cause) for cause in causes), default=0) + 2
    for family in sorted({cause.family for cause in causes.values()}):
        canvas.blank()
        canvas.block((family, "bold"))
        for name, cause in sorted(causes.items()):
            if cause.family == family:
                canvas.block(cause.title, prefix=(f"    {name:<{column}}", "cyan"))
    canvas.blank()
    canvas.block("fitdoctor explain CAUSE   the page of one of them")
    return canvas.text()


def _page(page: str, look: Look) -> str:
    """Renders Markdown: drawn for a terminal, as plain text without its marks for a file or a pipe."""
    from fitdoctor.report.canvas import plain_signs

    page = _TITLE.sub(r"\1", page, count=1)  # the line below the heading says the same in more words
    page = "\n".join(plain_signs(line, ascii_only=look.ascii_only) for line in page.strip().splitlines()) + "\n"
    if not look.color:
        return _plain(page, look.width)
    from rich.console import Console
    from rich.markdown import Markdown

    stream = io.StringIO()
    Console(file=stream, width=min(look.width, 100), force_terminal=True, color_system="standard").print(Markdown(page))
    return stream.getvalue()


def _plain(page: str, width: int) -> str:
    """Takes the marks of Markdown away: headings stand alone, code is indented, a link is its address."""
    import textwrap

    from fitdoctor.report.figures import GLUE, bind

    lines: list[str] = []
    paragraph: list[str] = []

    def flush() -> None:
        text = bind(_LINK.sub(r"\1: \2", _CODE.sub(r"\1", " ".join(paragraph))))
        hanging = "  " if text.startswith("* ") else ""
        lines.extend(
            textwrap.wrap(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
        )
        paragraph.clear()

    in_code = False
    for line in page.splitlines():
        if in_code or not line or line.startswith(("```", "#", "* ")):
            flush()
        if line.startswith("```"):
            in_code = not in_code
        elif in_code:
            lines.append(f"    {line}".rstrip())
        elif line.startswith("#"):
            lines.append(line.lstrip("# "))
        elif line:
            paragraph.append(line.strip())
        else:
            lines.append("")
    flush()
    return "\n".join(lines).replace(GLUE, " ") + "\n"


def _unknown(cause: str, causes: Mapping[str, Cause]) -> str:
    near = difflib.get_close_matches(cause.lower().replace("_", "-"), causes, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "“fitdoctor explain” lists them."
    return f"Received “{cause}”, which is no cause that fitdoctor knows. {hint}"
