"""Shared by the scripts that create skeletons: checks a name, and writes new files."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

# An id is a file name, a test's name and a key of the report: lower-case words, joined by single hyphens.
KEBAB_CASE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# A title and its id share one line of a table in a terminal of 80 columns.
LONGEST_TITLE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """The name of a new unit. `module` is the id as a Python name."""

    folder: str
    id: str
    title: str

    @property
    def module(self) -> str:
        return self.id.replace("-", "_")


def name_from(arguments: Sequence[str] | None, *, description: str, package: str, folder: str, example: str) -> Name:
    """Reads and checks the command line.

    Args:
        arguments: The arguments of the command line; None for those of this process.
        description: What the script does, for `--help`.
        package: The package whose folders may be named, `causes` or `remedies`.
        folder: The name for such a folder, `family` or `place`.
        example: An id, for the messages.
    """
    folders = sorted(entry.parent.name for entry in (REPOSITORY / "src" / "fitdoctor" / package).glob("*/__init__.py"))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", metavar=folder.upper(), choices=folders, help=f"one of: {', '.join(folders)}")
    parser.add_argument("id", metavar="ID", help=f"lower-case words joined by hyphens, like {example}")
    parser.add_argument("title", metavar="TITLE", help="its title in reports, without a full stop")
    parsed = parser.parse_args(arguments)
    name = Name(folder=parsed.folder, id=parsed.id, title=parsed.title.strip().rstrip("."))
    if not KEBAB_CASE.fullmatch(name.id):
        parser.error(f"received the id {name.id!r}, expected lower-case words joined by hyphens, like {example}")
    if not 0 < len(name.title) <= LONGEST_TITLE or not name.title.isprintable() or set(name.title) & set('"\\'):
        parser.error(
            f"received the title {name.title!r}, expected one line of at most {LONGEST_TITLE} characters without "
            "double quotes and backslashes"
        )
    return name


def fill(template: str, name: Name) -> str:
    """Fills a name into a template. The marks are words in angle brackets, because templates hold braces of Python."""
    for mark, text in (("folder", name.folder), ("id", name.id), ("module", name.module), ("title", name.title)):
        template = template.replace(f"<{mark}>", text)
    return template


def write_new(files: Mapping[Path, str]) -> int:
    """Writes all files, or none if one exists. Returns the exit code."""
    existing = [path for path in files if path.exists()]
    if existing:
        for path in existing:
            print(
                f"{path.relative_to(REPOSITORY)} exists already and was left as it is. Choose another id.",
                file=sys.stderr,
            )
        return 1
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(REPOSITORY))
    return 0
