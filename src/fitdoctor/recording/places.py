"""Where recordings may lie:

the folder that the user names, the project's, the user's own for state, the system's temporary one.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fitdoctor.recording.ownership import why_not_below, why_not_ours

VARIABLE = "FITDOCTOR_DIR"
"""The environment variable that names the folder of all recordings."""

ROOT_NAME = ".fitdoctor"
"""The folder of recordings at a project's root."""

REPOSITORIES = (".git", ".hg")
"""What lies at the root of a repository. It is looked for first: a project may hold several packages."""

PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "environment.yml", "Pipfile")
"""What else marks the root of a project."""


def current_folder() -> Path | None:
    """The current directory, or None where it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None


def named_folder() -> Path | None:
    """The folder that `FITDOCTOR_DIR` names, or None. The user may choose a link."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    with suppress(OSError, RuntimeError):  # no current directory, no home
        return Path(os.path.realpath(Path(named).expanduser()))
    return None


def project_root() -> Path | None:
    """The root of the project that the current directory belongs to, or None.

    It is searched upwards, as long as folders are ours alone, and below the user's home: a home that is kept in a
    repository is no project.

    Example:
        >>> project_root()
        PosixPath('/home/ann/digits')
    """
    here, home = current_folder(), home_folder()
    marked: Path | None = None
    for folder in (here, *here.parents) if here is not None else ():
        if folder in (home, folder.parent) or why_not_ours(folder):
            break
        if any(os.path.lexists(folder / name) for name in REPOSITORIES):
            return folder
        if marked is None and any(os.path.lexists(folder / name) for name in PROJECT_FILES):
            marked = folder
    return marked


def why_no_project() -> str:
    """Says why `project_root` finds none: what was looked for, and where; an empty string where it finds one.

    Example:
        >>> why_no_project()[:65]
        'No project was found: neither /home/ann/digits nor a folder of yo'
    """
    here = current_folder()
    if project_root() is not None:
        return ""
    if here is None:
        return "The current directory is gone"
    if here not in (home_folder(), here.parent) and (why := why_not_ours(here)):
        return f"No project was looked for, since others could put something there: {why}"
    marks = ", ".join((*REPOSITORIES, *PROJECT_FILES))
    return f"No project was found: neither {here} nor a folder of yours above it has one of {marks}"


def home_folder() -> Path | None:
    """The user's home, or None where there is none:

    a service or a container may have a variable that leads nowhere, or to the root.
    """
    with suppress(OSError, RuntimeError):
        home = Path.home()
        if home.is_absolute() and home != home.parent and home.is_dir():
            return Path(os.path.realpath(home))
    return None


def state_folder() -> Path | None:
    """Where a program keeps what belongs to no project, as each system has it; None where the user has no home.

    Links in its path are followed where they are ours. Else it is given as it is named, and whoever judges it sees
    whose they are.
    """
    home = home_folder()
    if sys.platform == "win32":
        parent = _absolute("LOCALAPPDATA") or (home and home / "AppData" / "Local")
    elif sys.platform == "darwin":
        parent = _absolute("XDG_STATE_HOME") or (home and home / "Library" / "Application Support")
    else:
        parent = _absolute("XDG_STATE_HOME") or (home and home / ".local" / "state")
    if not parent:
        return None
    return (parent if why_not_below(parent) else Path(os.path.realpath(parent))) / "fitdoctor"


def state_runs() -> Path | None:
    """The recordings in the user's state folder."""
    state = state_folder()
    return state / "runs" if state is not None else None


def temporary_root() -> Path | None:
    """Where runs are kept that fit nowhere else:

    one folder for each user of the machine. None where nothing can be written.
    """
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    with suppress(OSError):
        return Path(os.path.realpath(tempfile.gettempdir())) / f"fitdoctor-{user}"
    return None


def trusted_roots(parent: Path | None = None) -> Iterator[Path]:
    """The folders in which recordings are looked for, and into which only we can have put them, in the order in which
    they count.

    Args:
        parent: Where `.fitdoctor` stands; by default what holds for the current directory. Earlier versions kept
            recordings in the current directory itself: they are still found there.
    """
    project, here = project_root(), current_folder()
    if parent is not None:
        roots = [parent / ROOT_NAME, temporary_root()]
    else:
        below = [folder / ROOT_NAME for folder in (project, here) if folder is not None]
        roots = [named_folder(), *below, state_runs(), temporary_root()]
    for root in dict.fromkeys(roots):
        if root is not None and not why_not_ours(root, above=root != named_folder()):
            yield root


def our_places() -> set[str]:
    """Every folder outside a project's `.fitdoctor` that we may write to while a script runs."""
    return {str(folder) for folder in (named_folder(), state_folder(), temporary_root()) if folder is not None}


def _absolute(variable: str) -> Path | None:
    """A folder that the environment names; a relative one is to be ignored, by the XDG specification."""
    named = os.environ.get(variable)
    return Path(named) if named and Path(named).is_absolute() else None
