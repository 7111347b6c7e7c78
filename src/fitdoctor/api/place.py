"""Where code that calls fitdoctor stands: a file, a cell of a notebook, or a prompt."""

from __future__ import annotations

import os

from fitdoctor.probe.support import call_sites


def script() -> tuple[str, str]:
    """What a report calls the caller's program, and the mode of such a run:

    a file by its path, else "notebook" or "prompt".
    """
    site = call_sites.find()
    file = site.file if site is not None else ""
    if file.startswith("Cell "):
        return "notebook", "code"
    if not file or file.startswith("<"):
        return "prompt", "code"
    below = os.path.relpath(file)
    return (file if below.startswith(os.pardir) else below), "script"
