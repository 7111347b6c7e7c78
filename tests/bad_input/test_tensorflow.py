"""Bad input that only the real Keras shows."""

from __future__ import annotations

import pytest

from tests.bad_input.conftest import Lab

pytestmark = pytest.mark.e2e

MODEL = """\
import keras
import numpy as np
import tensorflow as tf
x, y = np.zeros((640, 4), "float32"), np.zeros((640, 1), "float32")
def make():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
"""


@pytest.fixture
def real(lab: Lab) -> Lab:
    pytest.importorskip("tensorflow")
    lab.environment |= {"PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    return lab


def test_an_exception_in_the_input_is_reported_without_a_traceback(real: Lab) -> None:
    script = MODEL + (
        "def batches():\n    for i in range(5): yield x[:32], y[:32]\n    raise OSError('bad file 17')\n"
        "make().fit(batches(), steps_per_epoch=50, epochs=3, verbose=0)\n"
    )
    ended = real.diagnose(script, budget="20")
    assert ended.code == 0, ended.err
    assert "OSError: bad file 17 at train.py:12" in " ".join(ended.out.split())
    assert "Traceback" not in ended.out + ended.err


def test_a_distribution_strategy_is_declined(real: Lab) -> None:
    script = MODEL + (
        "with tf.distribute.OneDeviceStrategy('cpu:0').scope(): model = make()\nmodel.fit(x, y, epochs=3, verbose=0)\n"
    )
    ended = real.diagnose(script, budget="20")
    assert "train.py:10: a distribution strategy is in force" in ended.err
    assert (ended.code, ended.processes) == (2, ())
