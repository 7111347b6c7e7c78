from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.children import Project

# A shell that starts the tests in the background lets them, and whatever they start, ignore Ctrl-C and a closed terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def user(tmp_path: Path) -> Project:
    """A user's folder with scripts to run."""
    return Project(tmp_path)
