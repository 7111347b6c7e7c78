"""Places in the user's source: relative to the current folder, and as links that a terminal can open."""

from __future__ import annotations

import os
from pathlib import Path

from fitdoctor.report.model import Location


class SourcePlaces:
    """Writes the locations of a report as the reader can open them.

    A report names files from the folder of the script. A reader starts from the current folder.

    Args:
        script: The script, as it was given on the command line.
        ran_in: The folder where the script was started; the current folder where it is not known.
        links: Whether the stream shows hyperlinks (OSC 8).
    """

    def __init__(self, script: str, *, ran_in: str = "", links: bool = False) -> None:
        self._folder = os.path.dirname(script)  # noqa: PTH120 - a Path would drop a leading "./"
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

    def _name(self, location: Location) -> str:
        file = self._file(location)
        if file is None or self._current is None:
            is_code = location.file.startswith("<")  # "<string>", or a cell of a notebook
            return location.file if is_code else os.path.join(self._folder, location.file)  # noqa: PTH118
        return str(file.relative_to(self._current) if file.is_relative_to(self._current) else file)

    def _file(self, location: Location) -> Path | None:
        """The file itself; None where it is not on this machine."""
        if self._current is None:
            return None
        try:
            file = self._current / self._ran_in / self._folder / location.file
            return Path(os.path.normpath(file)) if file.is_file() else None
        except (OSError, ValueError):  # a name that no file can have
            return None
