"""Removes a folder, even with inaccessible subfolders, as overlays leave them."""

from __future__ import annotations

import contextlib
import os
import shutil


def remove_tree(folder: str) -> None:
    """Removes a folder with its content, as far as possible."""
    for root, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if not os.path.islink(path):
                with contextlib.suppress(OSError):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
