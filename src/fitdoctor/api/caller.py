"""The code that calls fitdoctor: a file, a cell of a notebook, or a prompt."""

from __future__ import annotations

import os

from fitdoctor.probe.support import call_sites


def name_and_mode() -> tuple[str, str]:
    """Returns the name of the caller's program for a report, and the mode of such a run.

    A file has its path as a name. Other programs are called "notebook" or "prompt".
    """
    site = call_sites.find()
    file = site.file if site is not None else ""
    if file.startswith("Cell "):
        return "notebook", "code"
    if not file or file.startswith("<"):
        return "prompt", "code"
    relative = os.path.relpath(file)
    return (file if relative.startswith(os.pardir) else relative), "script"
