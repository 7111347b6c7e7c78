"""Nothing can be written, or the current directory is gone:

a training runs as it would, and a diagnosis says why there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="limits and folders as POSIX has them")
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
GONE = "import os, shutil; shutil.rmtree(os.getcwd()); "
NO_HOME = "import os; os.environ.pop('XDG_STATE_HOME', None); os.environ.update(HOME='/nonexistent'); "
PLACES = {"full disk": FULL, "no current directory": GONE, "no home": NO_HOME, "nothing at all": FULL + GONE + NO_HOME}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text("import sys\nprint('trained')\nsys.exit(7)\n")
    (tmp_path / "here").mkdir()
    return path


def run(before: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = f"{before}import sys; sys.argv = ['fitdoctor', *{arguments!r}]; from fitdoctor.cli.main import main; main()"
    spare = cwd.parent / "tmp"
    spare.mkdir(exist_ok=True)
    spare.chmod(0o1777)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(spare)}
    environment.pop("FITDOCTOR_DIR")
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_watched_training_runs_without_a_folder(script: Path, place: str) -> None:
    ended = run(PLACES[place], "watch", str(script), cwd=script.parent / "here")
    assert (ended.returncode, ended.stdout) == (7, "trained\n"), ended.stderr
    assert "Traceback" not in ended.stderr
    if "full" in place or "nothing" in place:
        assert "The training was not recorded" in ended.stderr


@pytest.mark.parametrize("place", ["full disk", "no current directory", "nothing at all"])
def test_a_diagnosis_says_why_there_is_none(script: Path, place: str) -> None:
    ended = run(PLACES[place], "diagnose", str(script), cwd=script.parent / "here")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    assert "a bug of fitdoctor" not in ended.stderr
    assert "Expected" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [("report",), ("report", "a"), ("treat", "train.py"), ("bundle",), ("compare", "a", "b"), ("watch", "train.py")],
)
def test_every_command_ends_with_a_message_where_the_current_directory_is_gone(
    script: Path, command: tuple[str, ...]
) -> None:
    ended = run(GONE + NO_HOME, *command, cwd=script.parent / "here")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    assert "a bug of fitdoctor" not in ended.stderr


@pytest.fixture
def _others_can_run() -> None:
    """Another user may read this Python and our sources, which may lie in a home folder that is closed to others."""
    program = "import os; os.setgid(65534); os.setuid(65534); import json, fitdoctor.cli.main"
    if subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, cwd="/").returncode:
        pytest.skip("another user may not read this Python or the sources")


@pytest.mark.usefixtures("_others_can_run")
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root becomes another user",
)
def test_a_folder_without_access_can_not_be_run_from(script: Path) -> None:
    closed = script.parent / "closed"
    closed.mkdir(mode=0o700)
    before = "import os; os.setgid(65534); os.setuid(65534); "
    for command in ("watch", "diagnose", "treat"):
        ended = run(before + NO_HOME, command, "train.py", cwd=closed)
        assert ended.returncode == 2
        assert "a bug of fitdoctor" not in ended.stderr, ended.stderr


@pytest.mark.usefixtures("_others_can_run")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize("command", [("compare", "~/a", "last"), ("report", "~/a"), ("env",)])
def test_a_user_unknown_to_the_system_has_no_home(script: Path, command: tuple[str, ...]) -> None:
    unknown = "import os; os.environ.pop('HOME', None); os.environ.pop('XDG_STATE_HOME', None); "
    unknown += "os.setgid(54321); os.setuid(54321); "
    ended = run(unknown, *command, cwd=script.parent)
    assert "Could not determine home directory" not in ended.stderr
    assert "a bug of fitdoctor" not in ended.stderr, ended.stderr
