"""Notes on a run of the script, one line each. They are written at once, so they survive `exec`, `fork` and SIGKILL.

All processes of a run append to one file beside the record: the script's own process, forked ones, and started Python
programs. Our own process reads it after the run.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitdoctor.recording.model import Site

SUFFIX = ".notes"
# Notes of one process. Each is written only once.
MOST_NOTES = 200
MOST_BYTES = 256 << 10
# Characters of one text in a note.
LONGEST = 500


class RunNotes:
    """The file of notes.

    Args:
        path: The file. It is made with the first note. Nothing is written if it is `os.devnull`.

    Example:
        >>> RunNotes("/tmp/record.json.notes").add("effect", kind="connection", what="127.0.0.1:80")
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._written: set[str] = set()

    def add(self, note: str, **more: Any) -> None:
        """Writes a note, unless this process wrote it before. Never raises: the script must not fail over a note."""
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
    """Returns a line of the script for a note, without its code: that may contain a password."""
    return {"file": site.file, "line": site.line, "function": site.function} if site is not None else None


def _short(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value
