"""Checks of what is to be diagnosed, before anything is run."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import sys
import warnings
from pathlib import Path

import click

from fitdoctor.errors import FitdoctorError
from fitdoctor.process.request import Mode
from fitdoctor.recording.folder import RUN_FILE
from fitdoctor.recording.run_roots import current_folder

# How many scripts of a folder an error names.
LISTED_SCRIPTS = 5


def mode_of(*, as_module: bool, as_code: bool) -> Mode:
    """The kind of the target, from the options -m and -c.

    Raises:
        click.UsageError: Both were given.
    """
    if as_module and as_code:
        raise click.UsageError("Received both -m and -c; expected one of them: a target is either a module or code.")
    return "module" if as_module else "code" if as_code else "script"


def check_target(target: str, mode: Mode, python: str) -> str:
    """Rejects a target that can't be run, and returns a name for the folder of the run.

    Args:
        target: A path, the name of a module, or code.
        mode: Which of these it is.
        python: The interpreter that will run it.

    Raises:
        FitdoctorError: It does not exist, is not a script, or does not parse.

    Example:
        >>> check_target("train.py", "script", sys.executable)
        'train'
    """
    if mode == "module":
        _check_module(target)
        return target
    if mode == "code":
        _check_syntax(target.encode("utf-8", "surrogateescape"), "<string>", python)
        return "code"
    path = Path(target)
    _check_syntax(_read(path), target, python)
    return path.stem


def find_python(python: str | None) -> str:
    """Returns the interpreter for the script: the one that the user named, or ours.

    Raises:
        FitdoctorError: There is no such program.
    """
    if python is None:
        return sys.executable
    found = shutil.which(os.path.expanduser(python))  # noqa: PTH111 - a Path would lose the "./" that keeps it off PATH
    if found is None:
        raise FitdoctorError(
            f"Received “--python {python}”, which is not a program; expected a Python interpreter. "
            "For instance “--python .venv/bin/python”."
        )
    return str(Path(found).absolute())  # not resolved: a virtual environment is known by the path of its link


def _read(path: Path) -> bytes:
    if os.path.isdir(path):  # noqa: PTH112 - a Path raises where the folder may not be entered
        raise FitdoctorError(_is_a_directory(path))
    if not os.path.exists(path):  # noqa: PTH110
        raise FitdoctorError(_does_not_exist(path))
    if path.suffix == ".ipynb":
        raise FitdoctorError(
            f"Received “{path}”, a notebook; expected a Python script. "
            f"Make one with “jupyter nbconvert --to script {path}”."
        )
    if not path.is_file():
        raise FitdoctorError(
            f"Received “{path}”, which is not a file; expected a Python script that can be run several times."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise FitdoctorError(f"Could not read “{path}”: {error.strerror or error}. Expected a Python script.") from None


def _is_a_directory(path: Path) -> str:
    problem = f"Received “{path}”, which is a directory; expected a Python script."
    if (path / RUN_FILE).is_file():
        return (
            f"{problem} It is the folder of a run: “fitdoctor diagnose {path}” continues from it, "
            f"“fitdoctor report {path}” shows it."
        )
    try:
        scripts = sorted(entry.name for entry in path.iterdir() if entry.suffix == ".py")
    except OSError:
        scripts = []
    if "__main__.py" in scripts:
        return f"{problem} Name its “{path / '__main__.py'}”, or give the package to -m."
    if not scripts:
        return f"{problem} Name the script itself."
    return f"{problem} Name one in it: {', '.join(str(path / name) for name in scripts[:LISTED_SCRIPTS])}."


def _does_not_exist(path: Path) -> str:
    problem = f"Received “{path}”, which does not exist; expected the path of a Python script."
    if os.path.isfile(f"{path}.py"):  # noqa: PTH113
        return f"{problem} Did you mean “{path}.py”?"
    if _may_be_module(str(path)):
        return f"{problem} A module is run with -m: “fitdoctor diagnose -m {path}”."
    return f"{problem} Check the spelling, and that it is in {_folder_of(path)}."


def _folder_of(path: Path) -> str:
    here = current_folder()
    return str((here / path).parent) if here is not None else "a folder that exists: the current folder was deleted"


def _may_be_module(name: str) -> bool:
    """Whether a dotted name leads to a file below the current directory, or begins with an installed package."""
    parts = name.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts) or parts[-1] == "py":
        return False
    path = Path(*parts)
    if os.path.isdir(path) or os.path.isfile(f"{path}.py"):  # noqa: PTH112, PTH113
        return True
    try:
        return not Path(parts[0]).exists() and importlib.util.find_spec(parts[0]) is not None
    except (ImportError, ValueError):
        return False


def _check_module(name: str) -> None:
    """Checks only the name: to find a module is to import its packages, which only the user's interpreter may do."""
    if all(part.isidentifier() for part in name.split(".")) and not name.endswith(".py"):
        return
    module = name.removesuffix(".py").replace(os.sep, ".")
    raise FitdoctorError(
        f"Received “-m {name}”; expected the name of a module. "
        f"Leave -m out to run a file, or write “-m {module}” to run it as a module."
    )


def _check_syntax(source: bytes, name: str, python: str) -> None:
    """Parses code that our own interpreter would run.

    Another interpreter may have another syntax. It reports its errors itself when it runs.
    """
    if python != sys.executable:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the script's own warnings appear when it runs
            ast.parse(source, filename=name)
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        code = f"\n  {error.text.strip()}" if error.text and error.text.strip() else ""
        raise FitdoctorError(
            f"{name}{line} is not valid Python {sys.version_info.major}.{sys.version_info.minor}: {error.msg}.{code}\n"
            "Expected a script that runs; correct it, or name its interpreter with --python."
        ) from None
    except ValueError as error:
        raise FitdoctorError(f"Received “{name}”, which is not text ({error}); expected a Python script.") from None
    except (RecursionError, MemoryError):
        return  # too deep for the parser here; it may still run
