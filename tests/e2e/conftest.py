"""TensorFlow and Keras in the process of the tests, with pipelines recorded as in the user's process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fitdoctor.probe import backends


@pytest.fixture(scope="session")
def tf() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    tensorflow = pytest.importorskip("tensorflow")
    from fitdoctor.probe.inputs import tfdata_recipes

    readers = sys.modules["tensorflow.python.data.ops.readers"]
    tfdata_recipes.install(sys.modules["tensorflow.python.data.ops.dataset_ops"], readers)
    return tensorflow


@pytest.fixture(scope="session")
def keras(tf: Any) -> Any:
    module = pytest.importorskip("keras")
    if module.config.backend() != "tensorflow":
        pytest.skip("needs the TensorFlow backend")
    return module


@pytest.fixture
def tf_keras(tf: Any) -> Iterator[Any]:
    import tf_keras

    before = list(backends._used)
    backends.use(tf_keras)
    yield tf_keras
    backends._used[:] = before
