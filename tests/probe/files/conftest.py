"""A project with files, as a diagnosis finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.projects import Project

BEFORE = "what was there before"


@pytest.fixture
def old(user: Project) -> Project:
    """A project with files that were there before the diagnosis began."""
    import os
    import sqlite3

    (user.folder / "model.txt").write_text(BEFORE)
    (user.folder / "logs").mkdir()
    (user.folder / "logs" / "events.txt").write_text(BEFORE)
    (user.folder / "empty").mkdir()
    (user.folder / "latest").symlink_to("logs")
    (user.folder / "nowhere").symlink_to("gone")
    (user.folder / "__pycache__").mkdir()
    (user.folder / "__pycache__" / "a.pyc").write_text(BEFORE)
    os.mkfifo(user.folder / "pipe")
    with sqlite3.connect(user.folder / "study.db") as study:
        study.execute("create table trials (value)")
    user.begin()
    return user


def state(folder: Path) -> dict[str, tuple[int, int, int, str]]:
    """All that a run could change of what lies below a folder, in `__pycache__` excepted."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        text = str(path.readlink()) if path.is_symlink() else path.read_bytes().hex() if path.is_file() else ""
        if "__pycache__" not in path.parts and path.name != "train.py":
            found[str(path)] = (status.st_ino, status.st_mode, 0 if path.is_dir() else status.st_mtime_ns, text)
    return found
