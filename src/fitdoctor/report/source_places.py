"""Places in the user's source: relative to the current folder, and as links that a terminal can open."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from fitdoctor.report.canvas import Span
from fitdoctor.report.model import Location, Report

# A place in a sentence: the name of a file without its folder, and a line.
_PLACE = re.compile(r"(?<![\w/])([\w.-]+\.py):([0-9]+)")


class SourcePlaces:
    """Writes the locations of a report as the reader can open them.

    A report names files from the folder of the script. A reader starts from the current folder.

    Args:
        report: The report.
        ran_in: The folder where the script was started; the current folder where it is not known.
        links: Whether the stream shows hyperlinks (OSC 8).
    """

    def __init__(self, report: Report, *, ran_in: str = "", links: bool = False) -> None:
        self._folder = os.path.dirname(report.script)  # noqa: PTH120 - a Path would drop a leading "./"
        self._files = _files_by_name(report)
        self._ran_in = ran_in
        self._links = links
        try:
            self._current: Path | None = Path.cwd()
        except OSError:  # it was deleted
            self._current = None

    def text(self, location: Location) -> str:
        """The place as text: "examples/train.py:42"."""
        return f"{self._name(location)}:{location.line}"

    def style(self, location: Location) -> str:
        """The style of the place: where the file is there and the stream shows links, with a link to its line."""
        file = self._file(location)
        if not self._links or file is None:
            return "cyan"
        return f"cyan link {file.as_uri()}#{location.line}"

    def spans(self, sentence: str) -> list[Span]:
        """A sentence, with the places in it as `text` and `style` give them."""
        found: list[Span] = []
        end = 0
        for match in _PLACE.finditer(sentence):
            file = self._files.get(match[1])
            if file is not None:
                location = Location(file=file, line=int(match[2]))
                found += [(sentence[end : match.start()], ""), (self.text(location), self.style(location))]
                end = match.end()
        return [*found, (sentence[end:], "")]

    def _name(self, location: Location) -> str:
        file = self._file(location)
        if file is None or self._current is None:
            is_code = location.file.startswith("<")  # "<string>", or a cell of a notebook
            return location.file if is_code else os.path.join(self._folder, location.file)  # noqa: PTH118
        return str(file.relative_to(self._current) if file.is_relative_to(self._current) else file)

    def _file(self, location: Location) -> Path | None:
        """The file itself, below the current folder or that of the script; None where it is not there.

        No other file is looked for: a recording may name any, such as one on another machine.
        """
        if self._current is None:
            return None
        ran_in = self._current / self._ran_in
        file = Path(os.path.normpath(ran_in / self._folder / location.file))
        if not (file.is_relative_to(self._current) or file.is_relative_to(ran_in)):
            return None
        try:
            return file if file.is_file() else None
        except (OSError, ValueError):  # a name that no file can have
            return None


def _files_by_name(report: Report) -> dict[str, str]:
    """The files of a report by their names without folders; names of several files are left out."""
    files: dict[str, set[str]] = {}
    for location in _locations(report):
        files.setdefault(PurePath(location.file).name, set()).add(location.file)
    return {name: found.pop() for name, found in files.items() if len(found) == 1}


def _locations(report: Report) -> Iterable[Location]:
    yield from (fit.site for fit in report.training.fits)
    yield from (loop.site for loop in report.training.loops)
    for cause in report.causes:
        yield from cause.locations
