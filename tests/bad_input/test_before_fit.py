"""Scripts that never reach a step end with a message, exit code 2, and nothing left behind."""

from __future__ import annotations

import pytest

from tests.bad_input.conftest import FIT, MODEL, Lab

HANG = "import time\ntime.sleep(10**6)\n"

MESSAGES = {
    "an exception": (
        "def load():\n    raise OSError('no data')\nload()\n",
        "OSError: no data at train.py:2 (raise OSError('no data'))",
    ),
    "one that can't be shown": (
        "class Odd(Exception):\n    def __str__(self): raise RuntimeError\nraise Odd()\n",
        "ended with Odd at train.py:3",
    ),
    "one that is no text": ("raise ValueError('name \\udcff')\n", "ValueError: name \\udcff"),
    "a module that is missing": ("import kerasss\n", "name it with --python"),
    "sys.exit": ("import sys\nsys.exit()\n", "left with exit code 0 at train.py:2 (sys.exit()), before it called fit"),
    "sys.exit with words": (
        "import sys\nsys.exit('usage: train.py DATA')\n",
        "exit code 1 and the message “usage: train.py DATA”",
    ),
    "os._exit": ("import os\nos._exit(5)\n", "left with exit code 5, before it called fit"),
    "a crash": ("import os\nos.kill(os.getpid(), 11)\n", "was killed by SIGSEGV, before it called fit"),
    "its own Ctrl-C": ("raise KeyboardInterrupt\n", "was interrupted at train.py:1"),
    "no Keras": ("print(1)\n", "never imported Keras"),
    "no fit": (MODEL, "called none of its fit, evaluate"),
    "fit in a thread": (
        MODEL
        + "import threading\nthread = threading.Thread(target=lambda: model.fit(x))\nthread.start()\nthread.join()\n",
        "fit at train.py:7 was called in a thread",
    ),
    "no epochs": (MODEL + "model.fit(x, epochs=0)\n", "fit at train.py:6 did no step: epochs=0"),
    "no data": (MODEL + "model.fit(x[:0])\n", "fit at train.py:6 did no step: its input may be empty"),
    "no compile": (MODEL + "keras.Model().fit(x)\n", "ValueError: You must call `compile()`"),
    "an unknown argument": (MODEL + "model.fit(x, epoch=3)\n", "unexpected keyword argument 'epoch'"),
    "a callback that fails": (
        MODEL + "class Bad(keras.Callback):\n    def on_train_batch_begin(self, batch, logs):\n        raise"
        " ValueError('bad')\nmodel.fit(x, callbacks=[Bad()])\n",
        "ValueError: bad at train.py:8 (raise ValueError('bad')), in fit",
    ),
    "a question": ("input('Path? ')\n", "asked for input at train.py:1"),
    "a recursion": ("import sys\nsys.setrecursionlimit(60)\ndef f(): f()\nf()\n", "RecursionError"),
    "a distribution strategy": (
        MODEL + "model.distribute_strategy = type('MirroredStrategy', (), {})()\n" + FIT,
        "train.py:7: a distribution strategy is in force",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_script_without_a_verdict_gets_a_reason(lab: Lab, case: str) -> None:
    script, words = MESSAGES[case]
    ended = lab.diagnose(script)
    assert words in ended.err
    assert (ended.code, ended.out, ended.processes) == (2, "", ())
    assert "Traceback" not in ended.err
    assert ended.files == {"train.py": script}
    assert lab.kept() == {"log.txt"}


@pytest.mark.parametrize(
    ("files", "environment", "words"),
    [
        ({}, {"FAKE_KERAS": "2.15.0"}, "Received Keras 2.15.0, expected Keras 3.5 or later"),
        ({}, {"KERAS_BACKEND": "openvino"}, "the openvino backend of Keras, expected tensorflow or jax or torch"),
        ({"keras__py": "__version__ = '3.15.0'"}, {}, "Check that no file or folder of your own has such a name"),
        ({"keras__py": ""}, {}, "has no attribute '__version__'"),
    ],
)
def test_an_unsupported_keras_is_declined(
    lab: Lab, files: dict[str, str], environment: dict[str, str], words: str
) -> None:
    lab.environment |= environment
    ended = lab.diagnose(MODEL + FIT, **files)
    assert words in ended.err
    assert (ended.code, ended.processes) == (2, ())
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("source", "words"),
    [("", "or tf_keras, as released"), ("__version__ = '2.14.1'", "Received tf_keras 2.14.1, expected 2.15 or later")],
)
def test_an_unknown_tf_keras_is_declined(lab: Lab, source: str, words: str) -> None:
    ended = lab.diagnose("import tf_keras\n", tf_keras__py=source)
    assert words in ended.err
    assert ended.code == 2


def test_beside_tf_keras_an_unsupported_keras_is_declined_only_when_it_trains(lab: Lab) -> None:
    lab.environment["FAKE_KERAS"] = "2.15.0"
    unsupported = "Received Keras 2.15.0, expected Keras 3.5 or later"
    assert unsupported not in lab.diagnose(MODEL, tf_keras__py="").err
    ended = lab.diagnose(MODEL + FIT, tf_keras__py="")
    assert unsupported in ended.err
    assert ended.code == 2


@pytest.mark.parametrize("variable", ["TORCHELASTIC_RUN_ID", "TF_CONFIG"])
def test_a_launcher_of_several_processes_is_declined(lab: Lab, variable: str) -> None:
    lab.environment[variable] = "1"
    ended = lab.diagnose(MODEL + FIT)
    assert f"Received {variable} in the environment" in ended.err
    assert ended.code == 2


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (HANG, "had not reached fit: it was at train.py:2 (time.sleep(10**6))"),
        ("while True: print('x' * 1000)\n", "had not reached fit"),
        (
            MODEL + "import time\nclass Stuck(keras.Callback):\n    def on_train_batch_begin(self, batch, logs):"
            " time.sleep(10**6)\nmodel.fit(x, callbacks=[Stuck()])\n",
            "had not done a step of fit: it was at train.py:8",
        ),
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(10**6,)).start()\n",
            "never imported Keras",
        ),
        ("import atexit, time\natexit.register(time.sleep, 10**6)\n", "never imported Keras"),
    ],
    ids=["before fit", "a flood", "in fit", "a thread", "at exit"],
)
def test_a_hang_ends_with_the_budget(lab: Lab, script: str, words: str) -> None:
    ended = lab.diagnose(script, budget="1")
    assert words in ended.err
    assert (ended.code, ended.processes) == (2, ())


@pytest.mark.parametrize("own_session", [False, True])
def test_processes_of_the_script_end_with_it(lab: Lab, own_session: bool) -> None:
    ended = lab.diagnose(f"import subprocess\nsubprocess.Popen(['sleep', '300'], start_new_session={own_session})\n")
    assert ended.processes == ()


@pytest.mark.parametrize("program", ["/bin/true", "/bin/false"])
def test_a_program_that_is_no_python_is_named(lab: Lab, program: str) -> None:
    ended = lab.diagnose(MODEL, "--python", program, "train.py")
    assert f"“{program}” ended with exit code" in ended.err
    assert "Expected a working Python interpreter" in ended.err
    assert ended.code == 2
