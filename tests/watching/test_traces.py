"""The trace of the error that ends a watched script has all of the frames that it has alone, and none of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fitdoctor

FAKES = Path(__file__).parents[1] / "faults" / "site-packages"
FIT = """\
import keras
import numpy as np
import os
import traceback
import types

class Mine(keras.callbacks.Callback):
    {hook}

def filtered(trace):  # as Keras does it
    last, entries = None, list(traceback.walk_tb(trace))
    for frame, line in reversed(entries):
        ours = (os.path.dirname(keras.__file__), os.path.join("tensorflow", "python"))
        if not any(each in frame.f_code.co_filename for each in ours):
            last = types.TracebackType(last, frame, frame.f_lasti, line)
    if last is None:
        frame, line = entries[-1]
        last = types.TracebackType(last, frame, frame.f_lasti, line)
    return last

model = keras.Model()
model.compile()
"""
FITS = "model.fit(np.zeros(96), callbacks=[Mine()])\n"
FILTERED = """\
try:
    model.fit(np.zeros(96), callbacks=[Mine()])
except Exception as error:
    raise error.with_traceback(filtered(error.__traceback__.tb_next)) from None
"""
HOOKS = {
    "wrong signature": "def on_epoch_end(self, epoch): pass",
    "wrong signature of a step": "def on_train_batch_end(self): pass",
    "built in": "on_epoch_end = len",
    "fails": "def on_epoch_end(self, epoch, logs): {}[epoch]",
    "fails in C": "def on_epoch_end(self, epoch, logs): int('x')",
    "without a trace": "def on_epoch_end(self, epoch, logs): raise ValueError('its own') from KeyError('a')",
    "on the instance": "def __init__(self): self.on_epoch_end = lambda: None",
    "cause": (
        "def on_epoch_end(self, epoch, logs):\n        try:\n            self.on_epoch_begin()\n"
        "        finally:\n            self.on_epoch_end()"
    ),
}


@pytest.mark.parametrize("fits", [FITS, FILTERED], ids=["whole", "filtered"])
@pytest.mark.parametrize("hook", HOOKS)
def test_all_frames_are_there(tmp_path: Path, hook: str, fits: str) -> None:
    (tmp_path / "train.py").write_text(FIT.format(hook=HOOKS[hook]) + fits)
    path = os.pathsep.join([str(FAKES), str(Path(fitdoctor.__file__).parent.parent)])
    environment = {**os.environ, "PYTHONPATH": path, "FITDOCTOR_DIR": str(tmp_path / "runs")}
    alone, watched = (
        subprocess.run(
            [sys.executable, *command, "train.py"],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        for command in ([], ["-m", "fitdoctor", "watch", "-q"])
    )
    assert "Traceback" in alone.stderr
    ours = [line for line in watched.stderr.splitlines() if not line.startswith("fitdoctor: ")]
    assert (watched.returncode, ours) == (1, alone.stderr.splitlines())
