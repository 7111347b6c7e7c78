"""Scripts whose training is not in the process that was started: followed, or declined by name."""

from __future__ import annotations

import os
import re
import sys

import pytest

from tests.bad_input.conftest import FAKES_PATH, FIT, MODEL, Lab

AGAIN = "import os, sys\nif os.environ.get('SEED') != '0':\n    os.environ['SEED'] = '0'\n    {}\n"
FOLLOWED = {
    "exec": AGAIN.format("os.execv(sys.executable, [sys.executable, *sys.argv])"),
    "exec of its command line": AGAIN.format("os.execvp(sys.orig_argv[0], sys.orig_argv)"),
    "exec by a shell": AGAIN.format("os.execl('/bin/sh', 'sh', '-c', f'exec {sys.executable} -O train.py')"),
    "exec after a start of some length": "import time\ntime.sleep(0.4)\n"
    + AGAIN.format(
        "os.execve(sys.executable, [sys.executable, '-u', *sys.argv], {'SEED': '0', 'PYTHONPATH': "
        "os.environ['PYTHONPATH']})"
    ),
}
RUN = MODEL + FIT
ITSELF = (
    "import os, subprocess, sys\nif os.environ.get('SEED') != '0':\n    os.environ['SEED'] = '0'\n    {}\n"
    "    sys.exit()\n"
) + RUN
DECLINED = {
    "a shell script": (
        "import os\nos.execv('/bin/sh', ['sh', 'run.sh'])\n",
        "replaced itself by “sh run.sh” at train.py:2",
    ),
    "a program": ("import os\nos.execvp('sleep', ['sleep', '100'])\n", "replaced itself by “sleep 100”"),
    "a launcher by exec": (
        "import os, sys\nos.execv(sys.executable, ['python', '-m', 'torch.distributed.run', 'worker.py'])\n",
        "a training on several processes",
    ),
    "a launcher": (
        "import subprocess\nsubprocess.run(['torchrun', 'worker.py'])\n",
        "“torchrun worker.py” at train.py:2",
    ),
    "a launcher by a shell": (
        "import os\nos.system('mpirun -n 2 python worker.py')\n",
        "a training on several processes",
    ),
    "a program of its own": (
        "import subprocess, sys\nsubprocess.run([sys.executable, 'worker.py', '--lr', '0.1'])\n",
        "`python worker.py --lr 0.1` that the script started at train.py:2. Only the script's own process "
        "can be diagnosed. "
        "Diagnose that: fitdoctor diagnose worker.py --lr 0.1",
    ),
    "a program by a shell": (
        f"import os\nos.system('{sys.executable} worker.py 3 && true')\n",
        "Diagnose that: fitdoctor diagnose worker.py 3",
    ),
    "a program by os.spawnv": (
        "import os, sys\nos.spawnv(os.P_WAIT, sys.executable, ['python', 'worker.py'])\n",
        "that the script started at train.py:2",
    ),
    "a program by posix_spawn": (
        (
            "import os, sys\npid = os.posix_spawn(sys.executable, ['python', '-m', 'worker'], os.environ)\n"
            "os.waitpid(pid, 0)\n"
        ),
        "fitdoctor diagnose -m worker",
    ),
    "a program without Keras": (
        "import subprocess, sys\nsubprocess.run([sys.executable, 'plain.py'])\n",
        "fit was not called in the script's own process, and that started `python plain.py` at train.py:2",
    ),
    "itself": (ITSELF.format("subprocess.run([sys.executable, *sys.argv])"), "SEED=0 fitdoctor diagnose train.py"),
    "itself, called": (
        ITSELF.format("sys.exit(subprocess.call([sys.executable, __file__]))"),
        "SEED=0 fitdoctor diagnose ",
    ),
    "a fork": (
        "import os\n" + MODEL + "if os.fork() == 0:\n    model.fit(x, epochs=20)\n    os._exit(0)\nos.wait()\n",
        "forked at train.py:7",
    ),
    "a fork that falls through": (
        "import os, sys\nif os.fork():\n    os.wait()\n    sys.exit()\n" + RUN,
        "forked at train.py:2",
    ),
    "multiprocessing": (
        "import multiprocessing\n" + MODEL + "def train():\n    model.fit(x, epochs=20)\n"
        "process = multiprocessing.get_context('fork').Process(target=train)\nprocess.start()\nprocess.join()\n",
        "forked at train.py:10",
    ),
    "multiprocessing, spawned": (
        "import multiprocessing\ndef train():\n    import worker\nif __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=train)\n    process.start()\n"
        "    process.join()\n",
        "fit was called in a worker process that the script started",
    ),
    "an executor": (
        "import concurrent.futures, multiprocessing\n" + MODEL + "def train(lr):\n    model.fit(x, epochs=20)\n"
        "if __name__ == '__main__':\n"
        "    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context('fork')) as pool:\n"
        "        list(pool.map(train, [1, 2]))\n",
        "process that the script forked at train.py:11",
    ),
    "a daemon": (
        (
            "import os\nif os.fork():\n    os._exit(0)\nos.setsid()\nif os.fork():\n    os._exit(0)\n"
            "import time\ntime.sleep(1)\n"
        )
        + RUN,
        "ended after it had forked another one at train.py:2",
    ),
    "a daemon that leaves by sys.exit": (
        "import os, sys\nif os.fork():\n    sys.exit(0)\nos.setsid()\nimport time\ntime.sleep(1)\n" + RUN,
        "forked another one at train.py:2",
    ),
}


@pytest.mark.parametrize("script", FOLLOWED.values(), ids=FOLLOWED.keys())
def test_a_script_that_replaces_itself_is_followed(lab: Lab, script: str) -> None:
    ended = lab.diagnose(
        script + RUN + "open('model.txt', 'w').write('of a run under diagnosis')\n", model__txt="precious"
    )
    assert ended.code == 0, ended.err
    assert ended.files["model.txt"] == "precious"
    assert "20 epochs" in ended.out
    assert "roles.py" not in ended.out
    assert ended.processes == ()


@pytest.mark.parametrize("case", DECLINED)
def test_a_training_elsewhere_is_declined_by_name(lab: Lab, case: str) -> None:
    script, words = DECLINED[case]
    worker = "import sys\n" + RUN + "open('trained', 'w').close()\n"
    ended = lab.diagnose(script, worker__py=worker, plain__py="print(1)\n", run__sh="touch trained\n")
    assert words in ended.err, ended.err
    assert (ended.code, ended.out, ended.processes) == (2, "", ())
    assert "healthy" not in ended.err.lower()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "import os\nif os.fork() == 0:\n    model.fit(x, epochs=3)\n    os._exit(0)\nos.wait()\n",
            "a process that the script forked at",
        ),
        (
            "import subprocess, sys\nsubprocess.run([sys.executable, 'worker.py'])\n",
            "`python worker.py` that the script started at train.py:",
        ),
    ],
)
def test_a_second_training_elsewhere_is_said(lab: Lab, script: str, words: str) -> None:
    ended = lab.diagnose(RUN + script, worker__py=RUN)
    assert ended.code == 0, ended.err
    assert words in " ".join(ended.out.split())


def test_a_helper_changes_no_file_either(lab: Lab) -> None:
    script = "import subprocess, sys\nsubprocess.run([sys.executable, 'worker.py'])\n"
    ended = lab.diagnose(script + RUN, worker__py="open('model.txt', 'w').write('new')\n", model__txt="precious")
    assert ended.files["model.txt"] == "precious"
    assert ended.code == 0
    assert "started python worker.py" in " ".join(ended.out.split())


def test_side_effects_are_told_with_the_number_of_runs(lab: Lab) -> None:
    script = (
        "import socket, subprocess\nsubprocess.run(['true', 'secret'])\n"
        "socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 9))\n"
    )
    ended = lab.diagnose(script + RUN, budget="10")
    assert ended.code == 0, ended.err
    assert re.search(
        r"In each of \d runs, the script connected to 127.0.0.1:9 and started true\.", " ".join(ended.out.split())
    ), ended.out


def test_offline_is_said_and_kept(lab: Lab) -> None:
    script = (
        "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), timeout=5)\n"
        "except OSError as error:\n    print(error)\n"
    )
    ended = lab.diagnose(script + RUN, "--offline", "train.py")
    assert ended.code == 0, ended.err
    words = " ".join(ended.out.split())
    assert "asked for a connection to 192.0.2.1:80" in words
    assert "connections to other machines were refused" in words


def test_the_users_own_customisation_of_helpers_is_kept(lab: Lab) -> None:
    script = (
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import os, sys; "
        "print(os.own, sys.path[:2])']))\n"
    )
    (lab.folder / "lib").mkdir()
    (lab.folder / "lib" / "sitecustomize.py").write_text("import os\nos.own = 'mine'\n")
    lab.environment["PYTHONPATH"] = os.pathsep.join([str(lab.folder / "lib"), FAKES_PATH])
    ended = lab.diagnose(script + RUN)
    assert ended.code == 0, ended.err
    (log,) = lab.folder.glob(".fitdoctor/*/log.txt")
    assert f"mine ['', '{lab.folder / 'lib'}']" in log.read_text()
