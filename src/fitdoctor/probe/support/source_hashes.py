"""Hashes of the source files of a training: the script and the user's own modules in its folder."""

from __future__ import annotations

import os
import sys

from fitdoctor.probe.support import call_sites
from fitdoctor.recording.digest import hash_of


def hashes(folder: str) -> dict[str, str]:
    """The hashes of the script and of each imported user's module below `folder`, by their whole paths.

    Example:
        >>> hashes(os.getcwd())
        {'/home/ann/train.py': '9f86d081884c7d65…'}
    """
    below = os.path.realpath(folder) + os.sep
    found: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or not call_sites.is_users(file):
            continue
        if name == "__main__" or os.path.realpath(file).startswith(below):
            digest = hash_of(file)
            if digest:
                found[os.path.abspath(file)] = digest
    return found
