"""Real trainings that are not in the process that was started: followed, or left alone and said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_input.conftest import FAKES_PATH, FIT, MODEL

RUN = MODEL + FIT + "print('trained')\n"
AGAIN = "import os, sys\nif os.environ.get('SEED') != '0':\n    os.environ['SEED'] = '0'\n    {}\n"
FOLLOWED = {
    "exec": AGAIN.format("os.execv(sys.executable, [sys.executable, *sys.argv])"),
    "exec of its command line": AGAIN.format("os.execvp(sys.orig_argv[0], sys.orig_argv)"),
    "exec by env": AGAIN.format("os.execle('/usr/bin/env', 'env', 'A=1', sys.executable, '-u', *sys.argv, os.environ)"),
}
FORKS = "if os.fork() == 0:\n    model.fit(x, epochs=3)\n    print('trained', flush=True)\n    os._exit(0)\nos.wait()\n"
LEFT = {
    "a shell": (
        "import os, sys\nos.execl('/bin/sh', 'sh', '-c', sys.executable + ' worker.py | cat')\n",
        "From train.py:2 on the script's process ran",
    ),
    "a fork": (
        "import os\n" + MODEL + FORKS,
        "fit was called in a process that the script forked at train.py:7: that was not watched",
    ),
    "a daemon": (
        "import os\nif os.fork():\n    os._exit(0)\nos.setsid()\n" + RUN,
        "The script's own process ended after it had forked another one at train.py:2",
    ),
    "a program": (
        "import subprocess, sys\nsubprocess.run([sys.executable, 'worker.py', '--lr', '0.1'])\n",
        "started `python worker.py --lr 0.1`, which was not watched",
    ),
}


def watch(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(script)
    (folder / "worker.py").write_text("import time\ntime.sleep(2)\n" + RUN)
    return subprocess.run(
        [sys.executable, "-m", "fitdoctor", "watch", "train.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": FAKES_PATH},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("script", FOLLOWED.values(), ids=FOLLOWED.keys())
def test_a_script_that_replaces_itself_is_followed(tmp_path: Path, script: str) -> None:
    done = watch(tmp_path, script + RUN)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    assert "20 epochs × 10 steps" in done.stderr.replace("\u00a0", " ")
    assert {path.name for path in tmp_path.glob(".fitdoctor/*/*")} == {"run.json", "report.json"}


@pytest.mark.parametrize("case", LEFT)
def test_a_training_in_another_process_continues_and_is_reported(tmp_path: Path, case: str) -> None:
    script, words = LEFT[case]
    done = watch(tmp_path, script)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    assert words in done.stderr
