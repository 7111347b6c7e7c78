"""Where a diagnosis keeps its files: `.fitdoctor/<time>-<script>/` beside the current directory, or a temporary folder."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fitdoctor.errors import FitdoctorError

ROOT_NAME = ".fitdoctor"
RUN_FILE = "run.json"

BUNDLE_ENDINGS = (".fitdoctor.json", ".fitdoctor.json.gz")
"""How the names of bundles end: a recording in a single file."""

ROOM_BYTES = 256 * 1024
"""What a new folder must take before it is trusted: about the size of a recording with its log.

A full disk still makes folders."""

NAME_LENGTH = 40
"""Longest script name in a folder's name: with the time before it, a path stays readable in a terminal of 80 columns."""

LISTED_RUNS = 5
"""How many known runs an error names: enough to pick from, few enough to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """The folder of one diagnosis.

    Attributes:
        path: The folder itself; it exists.
        note: A sentence for the user where the folder is not the usual one, else "".

    Example:
        >>> create("train").run_file.name
        'run.json'
    """

    path: Path
    note: str = ""

    @property
    def run_file(self) -> Path:
        """The recordings, see `recording.save`."""
        return self.path / RUN_FILE

    @property
    def report_file(self) -> Path:
        return self.path / "report.json"

    @property
    def log_file(self) -> Path:
        """What the user's script printed in all children."""
        return self.path / "log.txt"

    @property
    def scratch(self) -> Path:
        """Where children write instead of to the user's files."""
        return self.path / "scratch"

    @property
    def shown(self) -> str:
        """The path as a user would type it: relative where it lies below the current directory."""
        try:
            return str(self.path.relative_to(Path.cwd()))
        except (ValueError, OSError):
            return str(self.path)

    def remove_if_empty(self) -> None:
        """Takes the folder away again where nothing was learned."""
        try:
            self.path.rmdir()
        except OSError:
            return


def create(name: str, *, parent: Path | None = None, now: datetime | None = None) -> RunFolder:
    """Makes the folder of a new diagnosis of the script or module called `name`.

    Args:
        name: The script's stem or the module's name; characters that do not belong into a file name are replaced.
        parent: Where `.fitdoctor` stands; the current directory by default.
        now: The time in the folder's name; the present by default.

    Raises:
        FitdoctorError: Neither the directory nor the system's temporary folder can be written.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:NAME_LENGTH] or "run"
    name = f"{now or datetime.now():%Y%m%d-%H%M%S}-{stem}"
    root = (parent or Path.cwd()) / ROOT_NAME
    try:
        return RunFolder(path=_make(root, name))
    except OSError as error:
        reason = error.strerror or str(error)
    try:
        path = _make(_private(temporary_root()), name)
    except OSError as error:
        raise FitdoctorError(
            f"Found no place to write to: {root} says “{reason}”, "
            f"and {tempfile.gettempdir()} says “{error.strerror or error}”. "
            "Expected room for a few hundred kilobytes in one of them. "
            "Free some space, or set TMPDIR to a folder that can be written."
        ) from None
    return RunFolder(path=path, note=f"{root} can't be written ({reason}): this run is kept in {path}.")


def latest(*, parent: Path | None = None) -> RunFolder | None:
    """Gives the newest run that has a recording, or None."""
    return next(stored(parent=parent), None)


def stored(*, parent: Path | None = None) -> Iterator[RunFolder]:
    """Gives all runs that have a recording, the newest first, those beside the current directory before others."""
    for root in _roots(parent):
        for path in _runs(root):
            yield RunFolder(path=path)


def resolve(run: str, *, parent: Path | None = None) -> RunFolder:
    """Finds the run that the user means.

    Args:
        run: The path of a run's folder (or of a file in it), its name under `.fitdoctor`, or "last".
        parent: Where `.fitdoctor` stands; the current directory by default.

    Raises:
        FitdoctorError: There is no such run, or it has no recording.

    Example:
        >>> resolve("last").shown
        '.fitdoctor/20260317-101502-train'
    """
    if run == "last":
        if found := latest(parent=parent):
            return found
        raise FitdoctorError(
            f"There is no run yet: expected one under {(parent or Path.cwd()) / ROOT_NAME}. "
            "Make one with “fitdoctor diagnose train.py”, or give the path of a run's folder."
        )
    given = Path(run).expanduser()
    if given.is_file():
        given = given.parent
    candidates = [given, *(root / run for root in _roots(parent))]
    for path in candidates:
        if (path / RUN_FILE).is_file():
            return RunFolder(path=path.absolute())
    raise FitdoctorError(_not_found(run, candidates, parent))


def find_recording(run: str, *, parent: Path | None = None) -> tuple[Path, str]:
    """Finds the recording that the user means, and how they would type it.

    Args:
        run: What `resolve` takes, or the path of a recording by any name, such as a bundle.
        parent: Where `.fitdoctor` stands; the current directory by default.

    Raises:
        FitdoctorError: There is no such run, or it has no recording.

    Example:
        >>> find_recording("sent-by-ann.fitdoctor.json")
        (PosixPath('sent-by-ann.fitdoctor.json'), 'sent-by-ann.fitdoctor.json')
    """
    given = Path(run).expanduser()
    if given.is_file() and (given.name.endswith(BUNDLE_ENDINGS) or not (given.parent / RUN_FILE).is_file()):
        return given, run
    folder = resolve(run, parent=parent)
    return folder.run_file, folder.shown


def temporary_root() -> Path:
    """Where runs are kept that could not be written beside the script: one folder for each user of the machine."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"fitdoctor-{user}"


def _roots(parent: Path | None) -> tuple[Path, Path]:
    return ((parent or Path.cwd()) / ROOT_NAME, temporary_root())


def _runs(root: Path) -> list[Path]:
    """Gives the runs with a recording, the newest first: their names begin with the time."""
    try:
        return sorted((path for path in root.iterdir() if (path / RUN_FILE).is_file()), reverse=True)
    except OSError:
        return []


def _not_found(run: str, candidates: list[Path], parent: Path | None) -> str:
    if any(path.is_dir() for path in candidates):
        problem = f"Received “{run}”, a folder without {RUN_FILE}; expected the folder of a run."
    else:
        problem = f"Received “{run}”, which does not exist; expected a run's folder, its name under {ROOT_NAME}, or “last”."
    here, elsewhere = (_runs(root)[:LISTED_RUNS] for root in _roots(parent))
    known = [path.name for path in here] or [str(path) for path in elsewhere]
    if not known:
        return f"{problem} Make a run with “fitdoctor diagnose train.py”."
    if not here:
        return f"{problem} There is none in this folder. Kept elsewhere are:\n" + "\n".join(f"  {name}" for name in known)
    return f"{problem} The latest are:\n" + "\n".join(f"  {name}" for name in known)


def _make(root: Path, name: str) -> Path:
    """Makes a new folder below `root` and proves that it can be written.

    Raises:
        OSError: It can't.
    """
    root.mkdir(parents=True, exist_ok=True)
    ignore = root / ".gitignore"
    if not ignore.exists() or not ignore.stat().st_size:  # a full disk leaves an empty one behind
        ignore.write_text("*\n", encoding="utf-8")
    path, copies = root / name, 1
    while True:
        try:
            path.mkdir()
            break
        except FileExistsError:
            copies += 1
            path = root / f"{name}-{copies}"
    try:
        prove_room(path)
    except OSError:
        path.rmdir()
        raise
    return path.absolute()


def prove_room(path: Path) -> None:
    """Writes some kilobytes into a folder and takes them away again.

    Raises:
        OSError: There is no room, or no leave to write.
    """
    probe = path / "room"
    try:
        with probe.open("wb") as stream:
            stream.write(bytes(ROOM_BYTES))
            stream.flush()
            os.fsync(stream.fileno())  # some file systems find out only here that they are full
    finally:
        probe.unlink(missing_ok=True)


def _private(root: Path) -> Path:
    """Gives `root` if it is a folder of ours alone, else a fresh one: anyone can take a name in a shared place."""
    root.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and (root.is_symlink() or root.stat().st_uid != os.getuid()):
        return Path(tempfile.mkdtemp(prefix="fitdoctor-"))
    return root
