"""Signs the recordings that this user makes on this machine, and checks the signatures.

The key never leaves the user's state folder. A recording may come from anywhere: with a repository, in an archive, from
another user. Showing it is always safe. But the interpreter, the folder or the code that it names is run without a
question only if the signature is our own.

The signature is the last member of the JSON, so that a file and its signature change together:

    {…,"signature":"<HMAC-SHA256 of what stands before it, as 64 hexadecimal digits>"}
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fitdoctor.recording.load import decode_run, read_recording
from fitdoctor.recording.model import Run
from fitdoctor.recording.ownership import make_own_folder, why_not_ours
from fitdoctor.recording.run_roots import state_folder
from fitdoctor.recording.save import encode_run, write_atomically
from fitdoctor.regular_files import PRIVATE, is_regular, make_new, read_regular

KEY_FILE = "key"
KEY_BYTES = 32
# Prevents that the signature of a recording is valid for anything else, should the key ever sign more.
PURPOSE = b"fitdoctor run.json\0"

_SIGNATURE = re.compile(rb',"signature":"([0-9a-f]{64})"\}\s*\Z')


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording, and whether this user made it on this machine."""

    run: Run
    is_own: bool


def save_signed(run: Run, path: Path) -> None:
    """Writes `run` to `path` with our signature, or without one if there is no key.

    Raises:
        FitdoctorError: The file can't be written.

    Example:
        >>> save_signed(run, folder.run_file)
    """
    write_atomically(path, signed(encode_run(run)), private=True)


def load_recording(path: Path) -> Recording:
    """Reads a recording and whether it is our own.

    Raises:
        FitdoctorError: The file is missing, damaged, not a recording, or from another version.

    Example:
        >>> load_recording(folder.run_file).is_own
        True
    """
    data = read_recording(path)
    return Recording(run=decode_run(data, name=str(path)), is_own=is_signed(data))


def signed(data: bytes) -> bytes:
    """The JSON of an object with its signature, or unchanged if there is no key."""
    key = _key()
    if key is None or not data.endswith(b"}"):
        return data
    return data[:-1] + b',"signature":"' + _digest(key, data).encode() + b'"}'


def is_signed(data: bytes) -> bool:
    """Whether `signed` of this user made these bytes on this machine."""
    import hmac

    found = _SIGNATURE.search(data[-200:])
    key = _key(make=False) if found else None
    if found is None or key is None:
        return False
    start = len(data) - len(data[-200:]) + found.start()
    return hmac.compare_digest(_digest(key, data[:start] + b"}"), found.group(1).decode())


def why_unsigned() -> str:
    """Says what follows if no key can be kept. Empty if there is a key."""
    if _key() is not None:
        return ""
    where = f"in {state_folder()}" if state_folder() is not None else "as there is no home"
    return f"No key can be kept {where}: “fitdoctor treat” and “fitdoctor diagnose RUN” will ask for --yes."


def _digest(key: bytes, data: bytes) -> str:
    import hmac

    return hmac.new(key, PURPOSE + data, "sha256").hexdigest()


def _key(*, make: bool = True) -> bytes | None:
    """The key of this user, created on first use. None if it can't be kept secret."""
    state = state_folder()
    if state is None:
        return None
    path = state / KEY_FILE
    with suppress(OSError):
        if make and not os.path.lexists(path):
            _make_key(path)
        if why_not_ours(state) or not is_regular(path) or not _is_secret(path):
            return None
        key = read_regular(path, most_bytes=KEY_BYTES)
        return key if len(key) == KEY_BYTES else None
    return None


def _make_key(path: Path) -> None:
    """Creates the key atomically. If two processes start together, both use the same key.

    Raises:
        OSError: It can't be written, or others may write to its folder.
    """
    make_own_folder(path.parent)
    temporary = path.with_name(f".{KEY_FILE}.{os.urandom(8).hex()}")
    make_new(temporary, os.urandom(KEY_BYTES))
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_secret(path: Path) -> bool:
    found = path.lstat()
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~PRIVATE == 0
