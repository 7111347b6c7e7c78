"""Asks an interpreter about itself, without running any file of the user or of the current directory."""

from __future__ import annotations

import os
import subprocess

# Every question begins with this. `-c` puts the current directory first on the path, so that a file such as `json.py`
# would run. `-P` prevents that, but Python 3.10 lacks it. Folders of PYTHONPATH are searched last for modules, but as
# always for versions of packages. The current directory can't be changed: pyenv chooses the interpreter by it.
LIBRARY_FIRST = """
import sys
sys.path[:] = [folder for folder in sys.path if folder not in ("", ".")]
import os

def whole(folder):
    try:
        return os.path.normcase(os.path.abspath(folder))
    except OSError:
        return folder

named = {whole(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
installed = sys.path[:]
sys.path.sort(key=lambda folder: whole(folder) in named)
from importlib import metadata

def version(name):
    return next((found.version for found in metadata.distributions(name=name, path=installed)), None)
"""


def ask(python: str, question: str, *arguments: str, patience_s: float) -> str:
    """Returns what an interpreter prints when it runs `question`.

    The question may call `version(package)`, which is None for packages that are not installed.

    Raises:
        OSError: The interpreter can't be started.
        subprocess.SubprocessError: It fails, or does not answer in time.

    Example:
        >>> ask(sys.executable, "print(version('keras'), end='')", patience_s=20.0)
        '3.11.2'
    """
    return subprocess.run(
        [python, "-c", LIBRARY_FIRST + question, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=patience_s,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    ).stdout
