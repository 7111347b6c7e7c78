"""The folder of each run, in one of the folders of `run_roots`."""

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
from fitdoctor.recording import run_roots
from fitdoctor.recording.ownership import is_ours, make_own_folder
from fitdoctor.recording.run_roots import ROOT_NAME, VARIABLE
from fitdoctor.recording.signature import why_unsigned
from fitdoctor.regular_files import is_regular, make_new, make_private_folder

RUN_FILE = "run.json"
IGNORE_FILE = ".gitignore"
IGNORE_ALL = b"*\n"

# The endings of the names of bundles: recordings in a single file.
BUNDLE_ENDINGS = (".fitdoctor.json", ".fitdoctor.json.gz")

# A new folder must hold this much before it is used: about a recording with its log. A full disk still creates folders.
ROOM_BYTES = 256 * 1024

# The longest script name in a folder's name. With the time before it, a path fits into a terminal of 80 columns.
NAME_LENGTH = 40

# How many known runs an error lists.
LISTED_RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """The folder of one diagnosis.

    Attributes:
        path: The folder itself; it exists.
        note: A sentence for the user if the folder is not the usual one, else "".

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
        """The output of the user's script in all processes."""
        return self.path / "log.txt"

    @property
    def scratch(self) -> Path:
        """The folder that processes write to instead of the user's files."""
        return self.path / "scratch"

    @property
    def shown(self) -> str:
        """The path as a user would type it: relative inside the current directory or the same project."""
        near = [folder for folder in (run_roots.current_folder(), run_roots.project_root()) if folder is not None]
        if not any(self.path.is_relative_to(folder) for folder in near):
            return str(self.path)
        return min(os.path.relpath(self.path), str(self.path), key=len)

    def remove_if_empty(self) -> None:
        """Removes the folder if it is empty."""
        try:
            self.path.rmdir()
        except OSError:
            return


def create(name: str, *, parent: Path | None = None, now: datetime | None = None) -> RunFolder:
    """Makes the folder of a new diagnosis of the script or module called `name`.

    The first writable root is used: `FITDOCTOR_DIR`, the project's `.fitdoctor`, the user's state folder, or the
    temporary folder.

    Args:
        name: The script's stem or the module's name; unsuitable characters are replaced.
        parent: The folder of `.fitdoctor`, in place of the first three.
        now: The time in the folder's name, by default the present.

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
        f"Found no place to write to{': ' if problems else ''}{' and '.join(problems)}. Expected room for a few "
        "hundred kilobytes in the "
        f"project, the home or the temporary folder. Free some space, or set {VARIABLE} to a folder that can be "
        "written."
    )


def _homes(parent: Path | None) -> list[tuple[Callable[[], Path | None], bool]]:
    """The roots for a new run, the preferred first, and whether a user expects it there."""
    if parent is not None:
        return [(lambda: parent / ROOT_NAME, True), (run_roots.temporary_root, False)]
    return [
        (run_roots.named_folder, True),
        (lambda: project / ROOT_NAME if (project := run_roots.project_root()) is not None else None, True),
        (run_roots.state_runs, False),
        (run_roots.temporary_root, False),
    ]


def _note(path: Path, problems: list[str], *, usual: bool) -> str:
    """Sentences for the user if the folder is not the project's, or if recordings can't be signed."""
    why = " and ".join(problems) or ("" if usual else run_roots.why_no_project())
    return " ".join(filter(None, [f"{why}: this run is kept in {path}." if why else "", why_unsigned()]))


def _problem(root: Path, error: OSError) -> str:
    return f"{root} can't be used ({error.strerror or error})"


def latest(*, parent: Path | None = None) -> RunFolder | None:
    """The newest run with a recording, or None."""
    return next(stored(parent=parent), None)


def stored(*, parent: Path | None = None) -> Iterator[RunFolder]:
    """All runs with a recording, the newest first, those of the project before others.

    Folders that another user may write to are skipped.
    """
    for root in run_roots.trusted_roots(parent):
        for path in _runs(root):
            yield RunFolder(path=path)


def resolve(run: str, *, parent: Path | None = None) -> RunFolder:
    """Finds the run that the user means.

    Args:
        run: The path of a run's folder (or of a file in it), its name among the recordings, or "last".
        parent: The folder of `.fitdoctor`. By default the current directory decides.

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
    roots = list(run_roots.trusted_roots(parent))
    candidates = [given, *(root / run for root in roots if Path(run).name == run)]
    for path in candidates:
        if is_regular(path / RUN_FILE):
            return RunFolder(path=Path(os.path.realpath(path)))
    raise FitdoctorError(_not_found(run, candidates, roots))


def find_recording(run: str, *, parent: Path | None = None) -> tuple[Path, str]:
    """Finds the recording that the user means, and the path as they would type it.

    Args:
        run: An argument of `resolve`, or the path of a recording with any name, such as a bundle.
        parent: The folder of `.fitdoctor`. By default the current directory decides.

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
    """A path that the user typed, with “~” expanded if there is such a home."""
    with suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def usual_root(parent: Path | None = None) -> Path | str:
    """The root of a new run."""
    roots = (find() for find, _ in _homes(parent))
    return next((root for root in roots if root is not None), "the temporary folder")


def _runs(root: Path) -> list[Path]:
    """The runs with a recording, the newest first. Their names begin with the time."""
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
    elsewhere = [run_roots.state_runs(), run_roots.temporary_root()]
    near = [path.name for root in roots if root not in elsewhere for path in _runs(root)[:LISTED_RUNS]]
    if near:
        return f"{problem} The latest are:\n" + "\n".join(f"  {name}" for name in near[:LISTED_RUNS])
    far = [str(path) for root in roots for path in _runs(root)[:LISTED_RUNS]][:LISTED_RUNS]
    if not far:
        return f"{problem} Make a run with “fitdoctor diagnose train.py”."
    return f"{problem} There is none in this folder. Kept elsewhere are:\n" + "\n".join(f"  {name}" for name in far)


def _make(root: Path, name: str, *, above: bool = True) -> Path:
    """Creates a new folder below `root` and checks that it can be written.

    Raises:
        OSError: It can't, or others may write to `root`.
    """
    named = root == run_roots.named_folder()
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
    """Makes git ignore the recordings.

    An existing file stays, unless it is empty, as a full disk leaves it.
    """
    path = root / IGNORE_FILE
    with suppress(OSError):
        if is_regular(path) and not (found := path.lstat()).st_size and found.st_nlink == 1:
            path.unlink()
    with suppress(FileExistsError):
        make_new(path, IGNORE_ALL)


def prove_room(path: Path) -> None:
    """Writes some kilobytes into a folder and removes them.

    Raises:
        OSError: There is no room, or no permission to write.
    """
    probe = path / "room"
    make_new(probe, bytes(ROOM_BYTES))
    probe.unlink(missing_ok=True)
