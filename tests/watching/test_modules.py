"""Which modules of Python's library a watched script finds imported:

those that `docs/harmless.md` names, and no others.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import fitdoctor

HARMLESS = Path(__file__).parents[2] / "docs" / "harmless.md"
SOURCES = Path(fitdoctor.__file__).parent
LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)); "
    "os.execv(sys.executable, sys.argv[1:])"
)


def test_the_page_names_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import sys\nprint(*sys.modules)\n")
    environment = {**os.environ, "PYTHONPATH": str(SOURCES.parent), "FITDOCTOR_DIR": str(tmp_path / "runs")}
    alone, watched = (
        set(
            subprocess.run(
                [sys.executable, *command, "train.py"],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        )
        for command in ([], ["-m", "fitdoctor", "watch", "-q"])
    )
    found = {name for name in watched - alone if "." not in name and not name.startswith("_") and name != "fitdoctor"}
    (told,) = re.findall(r"without fitdoctor. The names:(.*?)\.\s+Keras imports", HARMLESS.read_text(), re.DOTALL)
    assert found <= set(re.findall(r"`(\w+)`", told))


def test_files_called_like_the_others_are_the_scripts(tmp_path: Path) -> None:
    names = ("random", "tempfile", "shutil", "glob", "pathlib", "urllib", "bisect", "socket")
    for name in names:
        (tmp_path / f"{name}.py").write_text("mine = True\n")
    (tmp_path / "train.py").write_text(
        f"import {', '.join(names)}\nprint({', '.join(f'{name}.mine' for name in names)})\n"
    )
    spec = tmp_path / "spec.json"
    spec.write_text(
        '{"role":"watch","mode":"script","target":"train.py","arguments":[],"out":"watch.json","spawned_s":0}'
    )
    command = [sys.executable, str(SOURCES / "launch.py"), str(spec)]
    ended = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, " ".join(["True"] * len(names)) + "\n"), ended.stderr


def test_few_open_files_are_enough_for_the_record(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    environment = {**os.environ, "PYTHONPATH": str(SOURCES.parent), "FITDOCTOR_DIR": str(tmp_path / "runs")}
    command = [sys.executable, "-c", LIMITED, sys.executable, "-m", "fitdoctor", "watch", "-q", "train.py"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "1\n")
    assert "No step of a fit was recorded" in ended.stderr


def test_what_was_never_written_is_named_with_its_cause(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os\nos._exit(0)\n")
    environment = {**os.environ, "PYTHONPATH": str(SOURCES.parent), "FITDOCTOR_DIR": str(tmp_path / "runs")}
    full = 'import os, sys\nprobe = os.replace\ndef full(*_): raise OSError(24, "")\nos.replace = full\n'
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'launch.py' in str(sys.orig_argv):\n    exec(" + repr(full) + ")\n"
    )
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    command = [sys.executable, "-m", "fitdoctor", "watch", "-q", "train.py"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "Nothing was recorded: Too many open files." in ended.stderr
