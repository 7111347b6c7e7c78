"""Gives the script private copies of its databases: SQLite and `dbm`, which write in C."""

from __future__ import annotations

import functools
import os
import urllib.parse
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fitdoctor.probe.files.paths import database_file, only_reads
from fitdoctor.probe.files.private_copies import PrivateCopies
from fitdoctor.probe.support import guard
from fitdoctor.probe.support.patches import Patches

# Files that SQLite keeps beside a database, with unfinished transactions.
BESIDE = ("-wal", "-journal")
DBM_FILES = ("", ".db", ".dir", ".pag", ".dat")
# SQLite then reads a file without locks or other files beside it.
READ_ONLY = "?mode=ro&immutable=1"


def install_sqlite(sqlite: ModuleType, copies: PrivateCopies) -> Patches:
    """Wraps `sqlite3.connect`.

    Args:
        sqlite: `sqlite3.dbapi2` or `sqlite3`.
        copies: The private copies of existing databases.
    """
    patches = Patches()
    original = vars(sqlite).get("connect")
    if original is None or hasattr(original, "_fitdoctor"):
        return patches

    @functools.wraps(original)
    def connect(database: Any, *arguments: Any, **keywords: Any) -> Any:
        where, as_uri = _private(database, keywords.get("uri", False), copies)
        if as_uri:
            keywords["uri"] = True
        connection = original(where, *arguments, **keywords)
        guard.guarded(connection.set_authorizer, _authorizer(sqlite, copies))
        return connection

    connect._fitdoctor = True  # type: ignore[attr-defined]
    patches.put(sqlite, "connect", connect)
    return patches


def _authorizer(sqlite: ModuleType, copies: PrivateCopies) -> Callable[..., int]:
    """Ends the child before SQL attaches an existing database, which SQLite itself opens."""
    attach = sqlite.SQLITE_ATTACH

    def authorize(action: int, name: str | None, *_: Any) -> int:
        if action == attach and name not in ("", ":memory:"):
            if name is None:  # a parameter: the file is unknown
                copies.stop("a database that ATTACH names by a parameter", "sqlite3.connect")
            elif not only_reads(name) and copies.is_protected(database_file(name)):
                copies.stop(os.path.abspath(database_file(name)), "sqlite3.connect")
        return 0

    return authorize


def _private(database: Any, uri: bool, copies: PrivateCopies) -> tuple[Any, bool]:
    """Returns the database to open instead, and whether it is a URI."""
    try:
        given = os.fsdecode(database)
    except TypeError:
        return database, False
    is_uri = uri and given.startswith("file:")
    name = database_file(given) if is_uri else given
    if name in ("", ":memory:") or (is_uri and only_reads(given)):
        return database, False
    private = copies.writing_path(name)
    if private is name:
        if os.path.isfile(name) and copies.is_protected(name) and not _pending(name):
            return f"file:{urllib.parse.quote(os.path.abspath(name))}{READ_ONLY}", True  # too large for a copy
        return database, False
    for ending in BESIDE:
        if os.path.exists(name + ending):
            copies.writing_path(name + ending)
    query = urllib.parse.urlsplit(given).query if is_uri else ""
    return (f"file:{urllib.parse.quote(private)}?{query}", True) if is_uri else (private, False)


def _pending(name: str) -> bool:
    return any(os.path.exists(name + ending) and os.path.getsize(name + ending) for ending in BESIDE)


def install_dbm(dbm: ModuleType, copies: PrivateCopies) -> Patches:
    """Wraps the `open` of `dbm.gnu` or `dbm.ndbm`."""
    patches = Patches()
    original = dbm.open

    @functools.wraps(original)
    def open(name: Any, flag: str = "r", *arguments: Any) -> Any:  # noqa: A001 - the name of the original
        try:
            given = os.fsdecode(name)
        except TypeError:
            return original(name, flag, *arguments)
        private = name
        for ending in DBM_FILES:
            if os.path.exists(given + ending):
                scratch_file = (
                    copies.reading_path(given + ending) if flag.startswith("r") else copies.writing_path(given + ending)
                )
                private = os.fsdecode(scratch_file).removesuffix(ending) if scratch_file != given + ending else private
            else:
                copies.note_made(given + ending)
        return original(private, flag, *arguments)

    patches.put(dbm, "open", open)
    return patches
