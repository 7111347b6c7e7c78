"""What `Doctor` does in the user's own call of fit. Needs no framework."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

import fitdoctor.api


class FakeKeras(types.ModuleType):
    """Keras with callbacks and nothing else."""

    __version__ = "3.99"

    def __init__(self) -> None:
        super().__init__("keras")
        self.callbacks = types.SimpleNamespace(Callback=object)


def fit(model: Any, x: Any = None, callbacks: Any = None) -> None:
    """As Keras' own is called."""


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, imported on top of the fake."""
    monkeypatch.setitem(sys.modules, "keras", FakeKeras())
    monkeypatch.delitem(sys.modules, "fitdoctor.api.doctor", raising=False)
    monkeypatch.delattr(fitdoctor.api, "doctor", raising=False)
    yield importlib.import_module("fitdoctor.api.doctor")
    del sys.modules["fitdoctor.api.doctor"], fitdoctor.api.doctor


@pytest.mark.parametrize(
    "nested", [lambda one: one, lambda one: [one], lambda one: [(one,)], lambda one: {"mine": [one]}]
)
def test_a_keras_without_tree_does_not_end_the_fit(doctor: Any, nested: Any) -> None:
    mine, other = object(), object()
    assert doctor._has(mine, fit, None, (), {"callbacks": nested(mine)})
    assert not doctor._has(mine, fit, None, (), {"callbacks": nested(other)})


def test_callbacks_that_fail_when_looked_at_do_not_end_the_fit(doctor: Any) -> None:
    class Fails:
        @property
        def callbacks(self) -> None:
            raise RuntimeError

    assert not doctor._has(object(), fit, None, (), {"callbacks": Fails()})
