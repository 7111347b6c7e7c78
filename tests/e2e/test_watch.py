"""`fitdoctor watch` on a real training: the same output, weights and files, and a report for every ending."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import Run

pytestmark = pytest.mark.e2e

FITDOCTOR = [sys.executable, "-m", "fitdoctor"]
SCRIPT = """\
import copy, hashlib, os, signal, sys
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
x = np.random.rand(640, 8).astype("float32")
y = x.sum(axis=1, keepdims=True)
data = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (a * 2, b)).shuffle(100).batch(32)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("adam", "mse")


class Mine(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, logs["loss"])
        if epoch == 2 and sys.argv[1] == "kill":
            import time; time.sleep(4)  # a young record is about a second old
            os.kill(os.getpid(), signal.SIGKILL)
        if epoch == 2 and sys.argv[1] == "wait":
            print("ready", flush=True)
            import time; time.sleep(60)
        if epoch == 2 and sys.argv[1] == "error":
            raise OSError("disk")


callbacks = [Mine(), keras.callbacks.ModelCheckpoint("best.keras")]
before = [sorted(vars(callback)) for callback in callbacks]
history = model.fit(
    data,
    epochs=5,
    validation_data=(x, y),
    callbacks=callbacks,
    verbose=0,
)
added = [sorted(set(vars(callback)) - set(names)) for callback, names in zip(callbacks, before)]
print(added, len(copy.deepcopy(history.epoch)))
print(model.predict(x[:2], verbose=0).tolist())
print(hashlib.md5(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
sys.exit(3)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, check=False, capture_output=True, timeout=300)


def recorded(project: Path) -> tuple[Run, str]:
    (folder,) = (path for path in (project / ".fitdoctor").iterdir() if path.is_dir())
    assert sorted(path.name for path in folder.iterdir()) == ["report.json", "run.json"]
    return load_run(folder / "run.json"), str(folder.relative_to(project))


def test_a_watched_training_behaves_as_it_does_alone(project: Path) -> None:
    plain = run(sys.executable, "train.py", "end")
    Path("best.keras").unlink()
    watched = run(*FITDOCTOR, "watch", "train.py", "end")
    assert (watched.returncode, plain.returncode) == (3, 3)
    assert watched.stdout == plain.stdout
    assert Path("best.keras").exists()
    saved, folder = recorded(project)
    assert saved.watched is not None
    (fit,) = saved.watched.fits
    assert (fit.epochs_seen, fit.cut, [row.number for row in fit.curve]) == (5, False, [0, 1, 2, 3, 4])
    assert set(fit.curve[0].logs) == {"loss", "val_loss"}
    assert fit.curve[0].learning_rate == pytest.approx(0.001)
    assert [step.name for step in fit.operations] == ["from_tensor_slices", "map", "shuffle", "batch"]
    assert saved.watched.limits == []
    report = json.loads((project / folder / "report.json").read_text())
    assert report["stage"] == "watched"
    assert report["training"]["basis"] == "observed"
    assert report["budget"]["total_s"] == pytest.approx(saved.watched.wall_s, rel=1e-3)
    assert f"fitdoctor diagnose {folder}" in watched.stderr.decode()
    assert [span.ended_s is not None for span in fit.spans] == [True]
    (system,) = report["system"]["fits"]
    assert system["process_cores"] > 0
    assert report["system"]["whole"]["process_cores"] > 0
    assert system["rss_most_bytes"] > 100e6
    assert system["seconds"] == pytest.approx((fit.spans[0].ended_s or 0.0) - fit.spans[0].began_s, rel=1e-3)

    again = run(*FITDOCTOR, "report", folder)
    assert again.returncode == 0
    assert "It took:" in again.stdout.decode()

    gone_on = run(*FITDOCTOR, "diagnose", "--budget", "60", "--race-budget", "0", "-o", "after.json", folder)
    assert gone_on.returncode == 0, gone_on.stderr.decode()
    after = json.loads(Path("after.json").read_text())
    assert after["stage"] == "final"
    assert after["system"]["whole"]["process_cores"] > 0
    assert after["seconds"]["watched"] == pytest.approx(saved.watched.wall_s, rel=1e-3)
    assert any(arm["role"] == "placebo" for arm in after["tried"])


@pytest.mark.parametrize(("how", "code"), [("error", 1), ("kill", -signal.SIGKILL)])
def test_a_training_that_fails_is_reported_until_its_end(project: Path, how: str, code: int) -> None:
    done = run(*FITDOCTOR, "watch", "train.py", how)
    assert done.returncode == code
    errors = done.stderr.decode()
    assert "Where the time goes" in errors
    assert ("SIGKILL" if how == "kill" else "OSError: disk") in errors
    assert ("fitdoctor/probe" in errors) is False
    saved, _ = recorded(project)
    assert saved.watched is not None
    assert len(saved.watched.fits[0].curve) >= 2


def test_a_training_interrupted_by_ctrl_c_is_reported(project: Path) -> None:
    process = subprocess.Popen(
        [*FITDOCTOR, "watch", "train.py", "wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while process.stdout.readline() != "ready\n":
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert "Where the time goes" in errors
    assert "The script was interrupted" in errors


def test_an_unsupported_keras_trains_unwatched(project: Path) -> None:
    (project / "fake").mkdir()
    (project / "fake" / "keras.py").write_text("__version__ = '2.1.0'\n")
    (project / "train.py").write_text(
        "import sys\nsys.path.insert(0, 'fake')\nimport keras\nprint('trained', keras.__version__)\n"
    )
    done = run(*FITDOCTOR, "watch", "train.py")
    assert (done.returncode, done.stdout) == (0, b"trained 2.1.0\n")
    assert b"Received Keras 2.1.0" in done.stderr
