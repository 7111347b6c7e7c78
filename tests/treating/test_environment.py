"""What is installed is held against the diagnosis by the packages that its backend runs on."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.errors import FitdoctorError
from fitdoctor.treating import environment

INSTALLED = {
    "python": "3.11.7",
    "cores": 2,
    "keras": "3.15.1",
    "tf-keras": "2.21.0",
    "tensorflow-cpu": "2.21.0",
    "jax": "0.10.2",
    "torch": "2.13.0+cpu",
}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "installed_versions", lambda _: dict(INSTALLED))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


def diagnosed(backend: str, keras: str, version: str) -> dict[str, Any]:
    return {"python": "3.11.7", "cores": 2, "keras": keras, "backend": backend, "backend_version": version}


def checked(wanted: dict[str, Any]) -> None:
    environment.check("python", wanted, "a diagnosis", again="train.py")


@pytest.mark.parametrize(
    ("backend", "keras", "version"),
    [
        ("tensorflow", "3.15.1", "2.21.0"),
        ("jax", "3.15.1", "0.10.2"),
        ("torch", "3.15.1", "2.13.0"),
        ("tf_keras", "2.21.0", "2.21.0"),
    ],
)
def test_the_same_is_accepted(backend: str, keras: str, version: str) -> None:
    checked(diagnosed(backend, keras, version))


@pytest.mark.parametrize(
    ("backend", "keras", "version", "words"),
    [
        ("tf_keras", "2.16.0", "2.21.0", "with tf_keras 2.21.0; expected tf_keras 2.16.0"),
        ("tf_keras", "2.21.0", "2.16.1", "with TensorFlow 2.21.0; expected TensorFlow 2.16.1"),
        ("tensorflow", "3.9.0", "2.21.0", "with Keras 3.15.1; expected Keras 3.9.0"),
        ("torch", "3.15.1", "2.12.0", "with PyTorch 2.13.0+cpu; expected PyTorch 2.12.0"),
        ("jax", "3.15.1", "0.9.0", "with JAX 0.10.2; expected JAX 0.9.0"),
    ],
)
def test_another_version_is_refused(backend: str, keras: str, version: str, words: str) -> None:
    with pytest.raises(FitdoctorError, match=words.replace("+", r"\+")):
        checked(diagnosed(backend, keras, version))


def test_the_backend_of_keras_3_is_ignored_for_tf_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    checked(diagnosed("tf_keras", "2.21.0", "2.21.0"))
    with pytest.raises(FitdoctorError, match="expected the backend jax"):
        checked(diagnosed("jax", "3.15.1", "0.10.2"))
