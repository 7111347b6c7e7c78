"""Of an unknown Keras, the patch points that exist are patched, and the others are reported as missing."""

from __future__ import annotations

import threading
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe import backends
from fitdoctor.probe.instrument import install, patch_points, step_hooks
from fitdoctor.probe.observe.environment_recorder import EnvironmentRecorder
from fitdoctor.probe.roles.treat import TreatRole
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.step_sampling import LONG_S, StepSkip
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import Fit, ProcessRecord, Site


class CallbackList:
    def on_train_begin(self) -> str:
        return "begun"

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Nothing."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Nothing."""


class EpochIterator:
    def __iter__(self) -> EpochIterator:
        return self

    def __next__(self) -> int:
        return 1


class OldIterator:
    """Is like the iterator before Keras 3.7."""

    def __init__(self) -> None:
        self.ended = 0
        self.data_adapter = SimpleNamespace(on_epoch_end=self._end)

    def _end(self) -> None:
        self.ended += 1

    def enumerate_epoch(self) -> Any:
        yield from ((0, "first"), (1, "second"), (2, "third"))


class Model:
    def fit(self) -> str:
        return "fitted"


class PassiveRole:
    """Calls every original as it is, and records that."""

    def __init__(self, stop_after: int = 99) -> None:
        self.calls: list[str] = []
        self.drawn_s: list[float] = []
        self.left = stop_after

    def unit(self, kind: str, original: Any, model: Any, arguments: Any, keywords: Any) -> Any:
        self.calls.append(kind)
        return original(model, *arguments, **keywords)

    def hook(self, name: str, original: Any, callbacks: Any, arguments: Any, keywords: Any) -> Any:
        self.calls.append(name)
        return original(callbacks, *arguments, **keywords)

    def stop_here(self, iterator: Any) -> bool:
        self.left -= 1
        return self.left < 0

    def batch_waited(self, seconds: float) -> None:
        self.drawn_s.append(seconds)

    stamped: dict[str, Any] = {}  # noqa: RUF012
    cuts = True
    timer = None
    current_call = None
    main = threading.get_ident()
    skips_steps = False

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Keras 3.99 that lacks most patch points."""
    known: dict[str, Any] = {"TorchEpochIterator": EpochIterator}
    monkeypatch.setattr(patch_points, "_find_class", lambda module, name: known.get(name))
    backend = ModuleType("backend")
    backend.EPOCH_ITERATOR, backend.drawn_in = ("keras", "TorchEpochIterator"), lambda: "loop"  # type: ignore[attr-defined]
    monkeypatch.setattr(backends, "of", lambda keras: backend)
    inside = {"Model": Model, "known": known, "callbacks": SimpleNamespace(CallbackList=CallbackList)}
    return SimpleNamespace(
        __name__="keras", __version__="3.99.0", config=SimpleNamespace(backend=lambda: "torch"), **inside
    )


def test_existing_patch_points_are_patched_and_missing_ones_are_reported(keras: Any) -> None:
    role = PassiveRole()
    assert install.declined(keras) == ""
    patches = install.install(keras, role, whole_process=False)
    assert Model().fit() == "fitted"
    assert CallbackList().on_train_begin() == "begun"
    assert next(EpochIterator()) == 1
    assert role.calls == ["fit", "on_train_begin"]
    assert len(role.drawn_s) == 1
    patches.undo()
    Model().fit()
    assert role.calls == ["fit", "on_train_begin"]
    said = list(install.missing(keras))
    assert said[0].startswith("Keras 3.99.0 is newer than 3.15, ")
    assert "This Keras has no CallbackList.on_epoch_end: the time of on_epoch_end is not measured." in said
    assert "This Keras has no Model.compile: how often a model is compiled, and where, is unknown." in said
    assert not any("on_train_begin" in sentence or ".fit:" in sentence for sentence in said)


def test_a_keras_without_fit_is_refused(keras: Any) -> None:
    keras.Model = object
    with pytest.raises(LookupError):
        install.install(keras, PassiveRole(), whole_process=False)


@pytest.mark.parametrize(("stop_after", "given"), [(99, ["first", "second", "third"]), (1, ["first"])])
def test_the_loop_of_an_older_keras_is_timed_and_can_be_cut(keras: Any, stop_after: int, given: list[str]) -> None:
    keras.known["TorchEpochIterator"] = OldIterator
    keras.__version__ = "3.5.0"
    role = PassiveRole(stop_after)
    assert not [sentence for sentence in install.missing(keras) if "enumerate" in sentence or "newer" in sentence]
    patches = install.install(keras, role, whole_process=False)
    iterator = OldIterator()
    assert [data for _, data in iterator.enumerate_epoch()] == given
    assert iterator.ended == (stop_after == 1)  # what Keras itself does behind a loop that ran to its end
    assert len(role.drawn_s) >= len(given)
    patches.undo()
    assert [data for _, data in OldIterator().enumerate_epoch()] == ["first", "second", "third"]


@pytest.mark.parametrize("untimed", [0, 99])
def test_a_long_step_shortens_a_skip_with_untimed_batches(untimed: int) -> None:
    shortened: list[int] = []
    skip = StepSkip(callback_list=object(), steps_left=300, ended_s=time.perf_counter(), untimed_batches=untimed)
    timer = SimpleNamespace(shorten_skip=lambda: shortened.append(300 - skip.steps_left))
    role = SimpleNamespace(step_skip=skip, main=threading.get_ident(), timer=timer)
    took_s = iter([0.0, 0.0, 2 * LONG_S, 0.0])
    hook = step_hooks.hook(
        role, "on_train_batch_end", lambda callbacks, batch, logs: time.sleep(next(took_s)), Patches(), (None, None)
    )
    for batch in range(4):
        hook(skip.callback_list, batch)
    assert (3 in shortened) == (untimed > 0)


def steps(role: WatchRole, count: int) -> Fit:
    """Runs the hooks of a fit whose steps take no time."""
    visit, callbacks = role.fits.begin(0), CallbackList()
    visit.timer.sampler.callback_list = callbacks
    visit.timer.epoch_begins()
    for number in range(count):
        callbacks.on_train_batch_begin(number)
        callbacks.on_train_batch_end(number)
    visit.timer.epoch_ends()
    visit.timer.epoch_end_returned()
    role.fits.end(visit)
    return visit.timer.record


@pytest.mark.parametrize(("kind", "skips"), [(WatchRole, True), (TreatRole, False)])
def test_steps_are_skipped_only_if_a_hook_counts_them(
    keras: Any, kind: Any, skips: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnvironmentRecorder, "name_devices", lambda recorder: None)
    scout = ProcessRecord(fits=[Fit(site=Site(file="train.py", line=1))])
    spec = () if skips else ({"treatments": []},)
    role = kind(scout, Ledger("start", started_s=time.monotonic()), lambda: None, *spec)
    patches = install.install(keras, role, whole_process=False)
    try:
        assert role.skips_steps == skips
        began_s = time.perf_counter()
        record = steps(role, 3000)
        assert record.step.count == 2999
        assert 0 < record.step.total_s < time.perf_counter() - began_s
    finally:
        patches.undo()
    assert role.step_skip.callback_list is None
