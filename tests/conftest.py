from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import Project

# A shell that starts the tests in the background lets them and their processes ignore Ctrl-C and a closed terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Recordings go to the current directory, and keys to a temporary folder: never to the developer's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FITDOCTOR_DIR", ".fitdoctor")
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def user(tmp_path: Path) -> Project:
    """A user's folder with scripts to run."""
    return Project(tmp_path)
