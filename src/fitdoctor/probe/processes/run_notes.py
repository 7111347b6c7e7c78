"""Notes of what a run of the script does, one line each, written at once: they outlive `exec`, `fork`, `os._exit` and
SIGKILL.

All processes of a run append to one file beside the record: the script's own, those that it forks, and the Python
programs that it starts. Our own process reads it when the run is over.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitdoctor.recording.model import Site

SUFFIX = ".notes"
MOST_NOTES = 200
"""Of one process. Each is written once, however often it happens."""
MOST_BYTES = 256 << 10
LONGEST = 500
"""Characters of one text in a note."""


class RunNotes:
    """The file that notes are appended to.

    Args:
        path: The file. It is made with the first note; nothing is written where it is `os.devnull`.

    Example:
        >>> Notes("/tmp/record.json.notes").add("effect", kind="connection", what="127.0.0.1:80")
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._written: set[str] = set()

    def add(self, note: str, **more: Any) -> None:
        """Writes a note, unless this process wrote it already.

        Nothing is raised: a note that is lost changes nothing for the script.
        """
        try:
            line = json.dumps({"note": note, **{name: _short(value) for name, value in more.items()}})
            if line not in self._written and len(self._written) < MOST_NOTES and not self.path.startswith(os.devnull):
                self._written.add(line)
                self._append(line)
        except Exception:
            pass

    def _append(self, line: str) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self.path, flags, 0o600)
        try:
            if os.fstat(descriptor).st_size < MOST_BYTES:
                os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)


def place(site: Site | None) -> dict[str, Any] | None:
    """A line of the script for a note, without what it says: a password may stand in it."""
    return {"file": site.file, "line": site.line, "function": site.function} if site is not None else None


def _short(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value
