"""Asks an interpreter about itself, without running anything that lies in the current directory or that the user wrote."""

from __future__ import annotations

import os
import subprocess

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
"""What every question begins with. `-c` puts the current directory first on the path, where a file called `json.py`
would be run.

`-P` would keep it off, but Python 3.10 does not know it. What PYTHONPATH names is searched last for modules, and as
ever for packages whose versions are asked. The current directory stays what it is: pyenv and its like choose the
interpreter by it. """


def ask(python: str, question: str, *arguments: str, patience_s: float) -> str:
    """What an interpreter prints when it runs `question`, which may use `version(package)`: None where that is not
    installed.

    Raises:
        OSError: It can't be started.
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
