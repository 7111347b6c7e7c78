"""Where a diagnosis keeps its files: one folder for each run, below the place that `places` finds."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording import places
from fitdoctor.recording.ownership import is_ours, make_own_folder
from fitdoctor.recording.places import ROOT_NAME, VARIABLE
from fitdoctor.recording.signature import why_unsigned
from fitdoctor.regular_files import is_regular, make_new, make_private_folder

RUN_FILE = "run.json"
IGNORE_FILE = ".gitignore"
IGNORE_ALL = b"*\n"

BUNDLE_ENDINGS = (".fitdoctor.json", ".fitdoctor.json.gz")
"""How the names of bundles end: a recording in a single file."""

ROOM_BYTES = 256 * 1024
"""What a new folder must take before it is trusted: about the size of a recording with its log.

A full disk still makes folders."""

NAME_LENGTH = 40
"""Longest script name in a folder's name:

with the time before it, a path stays readable in a terminal of 80 columns.
"""

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
        """The path as a user would type it:

        relative where it lies below the current directory, or within the same project.
        """
        near = [folder for folder in (places.current_folder(), places.project_root()) if folder is not None]
        if not any(self.path.is_relative_to(folder) for folder in near):
            return str(self.path)
        return min(os.path.relpath(self.path), str(self.path), key=len)

    def remove_if_empty(self) -> None:
        """Takes the folder away again where nothing was learned."""
        try:
            self.path.rmdir()
        except OSError:
            return


def create(name: str, *, parent: Path | None = None, now: datetime | None = None) -> RunFolder:
    """Makes the folder of a new diagnosis of the script or module called `name`.

    The first place that can be written is taken: `FITDOCTOR_DIR`, the project's `.fitdoctor`, the user's folder for
    state, and at last the system's temporary folder.

    Args:
        name: The script's stem or the module's name; characters that do not belong into a file name are replaced.
        parent: Where `.fitdoctor` stands, in place of the first three.
        now: The time in the folder's name; the present by default.

    Raises:
        FitdoctorError: Nothing can be written anywhere.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:NAME_LENGTH] or "run"
    name = f"{now or datetime.now():%Y%m%d-%H%M%S}-{stem}"
    problems: list[str] = []
    for find, usual in _homes(parent):
        root = find()
        if root is None:
            continue
        try:
            path = _make(root, name)
        except OSError as error:
            problems.append(_problem(root, error))
            continue
        return RunFolder(path=path, note=_note(path, problems, usual=usual))
    with suppress(OSError):  # someone else has taken our name there
        root = Path(os.path.realpath(tempfile.mkdtemp(prefix="fitdoctor-")))
        try:
            path = _make(root, name, above=False)
        except OSError:
            root.rmdir()
            raise
        return RunFolder(path=path, note=_note(path, problems, usual=False))
    raise FitdoctorError(
        f"Found no place to write to{': ' if problems else ''}{' and '.join(problems)}. Expected room for a few hundred kilobytes in the "
        f"project, the home or the temporary folder. Free some space, or set {VARIABLE} to a folder that can be written."
    )


def _homes(parent: Path | None) -> list[tuple[Callable[[], Path | None], bool]]:
    """The places for a new run in their order, and whether a user expects it there."""
    if parent is not None:
        return [(lambda: parent / ROOT_NAME, True), (places.temporary_root, False)]
    return [
        (places.named_folder, True),
        (lambda: project / ROOT_NAME if (project := places.project_root()) is not None else None, True),
        (places.state_runs, False),
        (places.temporary_root, False),
    ]


def _note(path: Path, problems: list[str], *, usual: bool) -> str:
    """What the user should know about the place:

    that it is not the project's, and that no recording will be known as their own.
    """
    why = " and ".join(problems) or ("" if usual else places.why_no_project())
    return " ".join(filter(None, [f"{why}: this run is kept in {path}." if why else "", why_unsigned()]))


def _problem(root: Path, error: OSError) -> str:
    return f"{root} can't be used ({error.strerror or error})"


def latest(*, parent: Path | None = None) -> RunFolder | None:
    """Gives the newest run that has a recording, or None."""
    return next(stored(parent=parent), None)


def stored(*, parent: Path | None = None) -> Iterator[RunFolder]:
    """Gives all runs that have a recording, the newest first, those of the project before others.

    What another user may have put there is passed over.
    """
    for root in places.trusted_roots(parent):
        for path in _runs(root):
            yield RunFolder(path=path)


def resolve(run: str, *, parent: Path | None = None) -> RunFolder:
    """Finds the run that the user means.

    Args:
        run: The path of a run's folder (or of a file in it), its name among the recordings, or "last".
        parent: Where `.fitdoctor` stands; by default what holds for the current directory.

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
            f"There is no run yet: expected one in {usual_root(parent)}. "
            "Make one with “fitdoctor diagnose train.py”, or give the path of a run's folder."
        )
    given = expanded(run)
    if os.path.isfile(given):  # noqa: PTH113 - a Path raises where the folder may not be entered
        given = given.parent
    roots = list(places.trusted_roots(parent))
    candidates = [given, *(root / run for root in roots if Path(run).name == run)]
    for path in candidates:
        if is_regular(path / RUN_FILE):
            return RunFolder(path=Path(os.path.realpath(path)))
    raise FitdoctorError(_not_found(run, candidates, roots))


def find_recording(run: str, *, parent: Path | None = None) -> tuple[Path, str]:
    """Finds the recording that the user means, and how they would type it.

    Args:
        run: What `resolve` takes, or the path of a recording by any name, such as a bundle.
        parent: Where `.fitdoctor` stands; by default what holds for the current directory.

    Raises:
        FitdoctorError: There is no such run, or it has no recording.

    Example:
        >>> find_recording("sent-by-ann.fitdoctor.json")
        (PosixPath('sent-by-ann.fitdoctor.json'), 'sent-by-ann.fitdoctor.json')
    """
    given = expanded(run)
    if os.path.isfile(given) and (  # noqa: PTH113
        given.name.endswith(BUNDLE_ENDINGS) or not is_regular(given.parent / RUN_FILE)
    ):
        return (Path(os.path.realpath(given)) if given.is_symlink() else given), run  # the user may name a link
    folder = resolve(run, parent=parent)
    return folder.run_file, folder.shown


def expanded(path: str) -> Path:
    """A path that the user has typed, with “~” in full.

    It stays as it is where there is no such home, which Python raises for.
    """
    with suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def usual_root(parent: Path | None = None) -> Path | str:
    """Where a run would be made now."""
    roots = (find() for find, _ in _homes(parent))
    return next((root for root in roots if root is not None), "the temporary folder")


def _runs(root: Path) -> list[Path]:
    """Gives the runs with a recording, the newest first: their names begin with the time."""
    try:
        with os.scandir(root) as entries:
            found = [
                Path(entry)
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and is_ours(entry.stat(follow_symlinks=False))
            ]
    except OSError:
        return []
    return sorted((path for path in found if is_regular(path / RUN_FILE)), reverse=True)


def _not_found(run: str, candidates: list[Path], roots: list[Path]) -> str:
    if any(os.path.isdir(path) for path in candidates):  # noqa: PTH112
        problem = f"Received “{run}”, a folder without {RUN_FILE}; expected the folder of a run."
    elif os.path.lexists(candidates[0]):
        problem = f"Received “{run}”, which is not a regular file; expected a run's folder, its name, or “last”."
    else:
        problem = f"Received “{run}”, which does not exist; expected a run's folder, its name, or “last”."
    elsewhere = [places.state_runs(), places.temporary_root()]
    near = [path.name for root in roots if root not in elsewhere for path in _runs(root)[:LISTED_RUNS]]
    if near:
        return f"{problem} The latest are:\n" + "\n".join(f"  {name}" for name in near[:LISTED_RUNS])
    far = [str(path) for root in roots for path in _runs(root)[:LISTED_RUNS]][:LISTED_RUNS]
    if not far:
        return f"{problem} Make a run with “fitdoctor diagnose train.py”."
    return f"{problem} There is none in this folder. Kept elsewhere are:\n" + "\n".join(f"  {name}" for name in far)


def _make(root: Path, name: str, *, above: bool = True) -> Path:
    """Makes a new folder below `root` and proves that it can be written.

    Raises:
        OSError: It can't, or others may write to `root`.
    """
    named = root == places.named_folder()
    new = make_own_folder(root, above=above and not named)
    if root.name == ROOT_NAME or new and named:
        _have_git_ignore(root)
    path, copies = root / name, 1
    while not make_private_folder(path):
        copies += 1
        path = root / f"{name}-{copies}"
    try:
        prove_room(path)
    except OSError:
        path.rmdir()
        raise
    return path


def _have_git_ignore(root: Path) -> None:
    """Has git pass over the recordings.

    What lies there is left as it is, but for what a full disk has left: an empty file.
    """
    path = root / IGNORE_FILE
    with suppress(OSError):
        if is_regular(path) and not (found := path.lstat()).st_size and found.st_nlink == 1:
            path.unlink()
    with suppress(FileExistsError):
        make_new(path, IGNORE_ALL)


def prove_room(path: Path) -> None:
    """Writes some kilobytes into a folder and takes them away again.

    Raises:
        OSError: There is no room, or no leave to write.
    """
    probe = path / "room"
    make_new(probe, bytes(ROOM_BYTES))
    probe.unlink(missing_ok=True)
