"""The seams of a Keras that nobody has seen yet:

those that it still has are put in, and the others are said to be missing.
"""

from __future__ import annotations

import threading
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe import backends
from fitdoctor.probe.instrument import install, patch_points, step_hooks
from fitdoctor.probe.instrument.batch_waits import AT_ONCE, Draws
from fitdoctor.probe.observe.environment_recorder import EnvironmentRecorder
from fitdoctor.probe.roles.treat import TreatRole
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.step_sampling import LONG_S, Rest
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
    """As before Keras 3.7."""

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


class Told:
    """A role that lets everything through."""

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
    rests = False

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Keras 3.99 that has lost most of its insides."""
    known: dict[str, Any] = {"TorchEpochIterator": EpochIterator}
    monkeypatch.setattr(patch_points, "_class", lambda module, name: known.get(name))
    backend = ModuleType("backend")
    backend.EPOCH_ITERATOR, backend.drawn_in = ("keras", "TorchEpochIterator"), lambda: "loop"  # type: ignore[attr-defined]
    monkeypatch.setattr(backends, "of", lambda keras: backend)
    inside = {"Model": Model, "known": known, "callbacks": SimpleNamespace(CallbackList=CallbackList)}
    return SimpleNamespace(
        __name__="keras", __version__="3.99.0", config=SimpleNamespace(backend=lambda: "torch"), **inside
    )


def test_what_is_there_is_observed_and_what_is_not_is_said(keras: Any) -> None:
    role = Told()
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
    said = list(install.lacking(keras))
    assert said[0].startswith("Keras 3.99.0 is newer than 3.15, ")
    assert "This Keras has no CallbackList.on_epoch_end: what happens at on_epoch_end is not told apart." in said
    assert "This Keras has no Model.compile: how often a model is compiled, and where, is not known." in said
    assert not any("on_train_begin" in sentence or ".fit:" in sentence for sentence in said)


def test_without_a_fit_there_is_nothing_to_observe(keras: Any) -> None:
    keras.Model = object
    with pytest.raises(LookupError):
        install.install(keras, Told(), whole_process=False)


@pytest.mark.parametrize(("stop_after", "given"), [(99, ["first", "second", "third"]), (1, ["first"])])
def test_the_loop_of_an_older_keras_is_timed_and_can_be_cut(keras: Any, stop_after: int, given: list[str]) -> None:
    keras.known["TorchEpochIterator"] = OldIterator
    keras.__version__ = "3.5.0"
    role = Told(stop_after)
    assert not [sentence for sentence in install.lacking(keras) if "enumerate" in sentence or "newer" in sentence]
    patches = install.install(keras, role, whole_process=False)
    iterator = OldIterator()
    assert [data for _, data in iterator.enumerate_epoch()] == given
    assert iterator.ended == (stop_after == 1)  # what Keras itself does behind a loop that ran to its end
    assert len(role.drawn_s) >= len(given)
    patches.undo()
    assert [data for _, data in OldIterator().enumerate_epoch()] == ["first", "second", "third"]


def test_an_iterator_that_is_timed_is_else_the_one_that_it_holds() -> None:
    def batches() -> Any:
        time.sleep(0.01)
        yield 1
        yield 2
        time.sleep(0.01)
        yield 3

    drawn_s: list[float] = []
    rest = Rest()
    draws = Draws(batches(), rest, drawn_s.append)
    assert next(draws) == 1
    assert drawn_s[0] >= 0.01
    rest.of = object()
    assert next(draws) == 2
    assert len(drawn_s) == 1
    assert 0 < rest.drawn_s < 0.01
    assert list(draws) == [3]  # a long wait is always told
    assert len(drawn_s) == 2
    draws.close()
    with pytest.raises(AttributeError):
        draws.nothing  # noqa: B018 - the look-up itself fails


@pytest.mark.parametrize("passing", [1, 3, 99])
def test_batches_may_pass_with_no_clock(passing: int) -> None:
    drawn_s: list[float] = []
    rest = Rest()
    draws = Draws(range(10), rest, drawn_s.append)
    assert next(draws) == 0
    rest.of, rest.passing = object(), passing
    found = [next(draws)]
    assert rest.passing == max(0, passing - AT_ONCE)  # some of them may pass now
    assert found + list(draws) == list(range(1, 10))
    assert len(drawn_s) == 1
    assert (rest.drawn_s > 0) == (passing < 9)
    assert list(draws) == []


def test_batches_pass_no_more_once_steps_are_looked_at_again() -> None:
    drawn_s: list[float] = []
    rest = Rest()
    draws = Draws(range(100), rest, drawn_s.append)
    next(draws)
    rest.of, rest.passing = object(), 90
    next(draws)
    rest.is_over()
    for _ in range(60):
        next(draws)
    assert len(drawn_s) == 1 + 60 - (AT_ONCE - 1)


@pytest.mark.parametrize("passing", [0, 99])
def test_a_long_step_is_told_where_batches_pass(passing: int) -> None:
    told: list[int] = []
    rest = Rest(of=object(), left=300, ended_s=time.perf_counter(), passing=passing)
    timer = SimpleNamespace(long_step=lambda: told.append(300 - rest.left))
    role = SimpleNamespace(rest=rest, main=threading.get_ident(), timer=timer)
    took_s = iter([0.0, 0.0, 2 * LONG_S, 0.0])
    hook = step_hooks.hook(
        role, "on_train_batch_end", lambda callbacks, batch, logs: time.sleep(next(took_s)), Patches(), (None, None)
    )
    for batch in range(4):
        hook(rest.of, batch)
    assert (3 in told) == (passing > 0)


@pytest.mark.parametrize("passing", [0, 99])
def test_an_input_that_has_ended_is_asked_no_more(passing: int) -> None:
    class Ends:
        """As those that wait for a thread, which has ended too."""

        def __init__(self) -> None:
            self.asked = 0

        def __iter__(self) -> Ends:
            return self

        def __next__(self) -> int:
            self.asked += 1
            if self.asked == 3:
                raise StopIteration
            return self.asked

    rest, batches = Rest(of=object()), Ends()
    draws = Draws(batches, rest, [].append)
    found = [next(draws)]
    rest.passing = passing
    assert found + list(draws) == [1, 2]
    assert batches.asked == 3


def test_nothing_passes_unless_it_rests() -> None:
    rest, drawn_s = Rest(passing=5), list[float]()
    assert list(Draws(range(3), rest, drawn_s.append)) == [0, 1, 2]
    assert (len(drawn_s), rest.passing) == (3, 5)


@pytest.mark.parametrize("passing", [0, 5])
def test_an_error_of_the_input_is_its_own(passing: int) -> None:
    def batches() -> Any:
        yield 1
        yield 1 / 0

    rest = Rest(of=object(), passing=passing)
    draws = Draws(batches(), rest, [].append)
    assert next(draws) == 1
    with pytest.raises(ZeroDivisionError) as raised:
        next(draws)
    assert [frame.name for frame in raised.traceback[1:]] == ["batches"]
    assert list(draws) == []


def steps(role: WatchRole, count: int) -> Fit:
    """A fit whose loop Keras would go through, its steps as short as can be."""
    visit, callbacks = role.fits.begin(0), CallbackList()
    visit.timer.callbacks = callbacks
    visit.timer.epoch_begins()
    for number in range(count):
        callbacks.on_train_batch_begin(number)
        callbacks.on_train_batch_end(number)
    visit.timer.epoch_ends()
    visit.timer.epoch_end_returned()
    role.fits.end(visit)
    return visit.timer.record


@pytest.mark.parametrize(("kind", "rests"), [(WatchRole, True), (TreatRole, False)])
def test_steps_are_left_alone_only_where_a_seam_counts_them(
    keras: Any, kind: Any, rests: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnvironmentRecorder, "name_devices", lambda recorder: None)
    scout = ProcessRecord(fits=[Fit(site=Site(file="train.py", line=1))])
    spec = () if rests else ({"treatments": []},)
    role = kind(scout, Ledger("start", started_s=time.monotonic()), lambda: None, *spec)
    patches = install.install(keras, role, whole_process=False)
    try:
        assert role.rests == rests
        began_s = time.perf_counter()
        record = steps(role, 3000)
        assert record.step.count == 2999
        assert 0 < record.step.total_s < time.perf_counter() - began_s
    finally:
        patches.undo()
    assert role.rest.of is None
