"""A watched training computes what it computes alone.

Each call is made once, unchanged, even if the recording fails.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe.observe import describe, learn_input, weight_movement
from fitdoctor.probe.observe.session import Session
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.timing.device_overlap import Overlap
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import Ending, Fit, ProcessRecord, Site


class Callback:
    """A callback with one hook of its own, one put on the instance, and one of Keras' empty ones."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.on_epoch_begin = lambda epoch, logs=None: self.seen.append("begin")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append("end")


class Model:
    built = False
    stop_training = False
    steps_per_execution = 1
    optimizer = None
    trainable_variables: tuple[Any, ...] = ()

    def __init__(self) -> None:
        self.callback = Callback()
        self.during: list[str] = []


Seam = Callable[[str, tuple[Any, ...]], Any]


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> WatchRole:
    monkeypatch.setattr(
        describe, "fit", lambda model, bound, site: Fit(site=Site(file="train.py", line=7), epochs=3, steps_per_epoch=2)
    )
    made = WatchRole(ProcessRecord(), Ledger("start", started_s=time.monotonic()), lambda: None)
    # They ask the framework.
    monkeypatch.setattr(made.fits, "_identify", lambda *_: None)
    for name in ("name_devices", "note_call"):
        monkeypatch.setattr(made.environment, name, lambda *_, **__: None)
    return made


def fit(role: WatchRole, steps: int = 2, fail: BaseException | None = None) -> Callable[..., Any]:
    """What Keras' fit does with its hooks, three epochs long."""

    def fit_(model: Model, x: Any, *, epochs: int = 3, validation_data: Any = None) -> Any:
        callbacks = SimpleNamespace(callbacks=[model.callback], model=model)

        def hook(name: str, *arguments: Any) -> None:
            def original(callbacks: Any, *arguments: Any) -> None:
                for callback in callbacks.callbacks:
                    getattr(callback, name, lambda *_: None)(*arguments)

            role.hook(name, original, callbacks, arguments, {})

        hook("on_train_begin")
        model.during = sorted(vars(model.callback))
        for epoch in range(epochs):
            hook("on_epoch_begin", epoch)
            for step in range(steps):
                assert not role.stop_here(None)
                hook("on_train_batch_begin", step)
                hook("on_train_batch_end", step, {"loss": 1.0})
            if fail is not None:
                raise fail
            hook("on_epoch_end", epoch, {"loss": 1.0 / (epoch + 1), "bad": float("nan"), "words": "no number"})
        hook("on_train_end")
        return x

    return fit_


def test_a_fit_runs_unchanged_and_is_recorded(role: WatchRole) -> None:
    model, x = Model(), object()
    assert role.unit("fit", fit(role), model, (x,), {"epochs": 3}) is x
    (record,) = role.record.fits
    assert (record.calls, record.calls_run, record.epochs_seen, record.cut) == (1, 1, 3, False)
    assert record.first_step.count + record.epoch_first_step.count + record.step.count == 6
    assert [(row.number, row.steps, row.logs) for row in record.curve] == [
        (0, 2, {"loss": 1.0}),
        (1, 2, {"loss": 0.5}),
        (2, 2, {"loss": 1 / 3}),
    ]
    assert record.curve[-1].memory_bytes > 0
    assert record.callbacks[0].hooks["on_epoch_end"].count == 3
    assert model.callback.seen == ["begin", "end"] * 3
    assert role.record.limits == []


def test_callbacks_get_their_own_hooks_back(role: WatchRole) -> None:
    model = Model()
    before = dict(vars(model.callback))
    role.unit("fit", fit(role), model, (1,), {})
    assert model.during == sorted(before)
    assert vars(model.callback) == before
    with pytest.raises(OSError, match="disk"):
        role.unit("fit", fit(role, fail=OSError("disk")), model, (1,), {})
    assert vars(model.callback) == before


def test_an_error_of_the_script_reaches_the_script(role: WatchRole) -> None:
    with pytest.raises(KeyboardInterrupt):
        role.unit("fit", fit(role, fail=KeyboardInterrupt()), Model(), (1,), {})
    assert role.timer is None
    assert role.record.fits[0].teardown.count == 0


@pytest.mark.parametrize("broken", ["open", "begin", "end", "before_hook", "after_hook", "complete", "restore_hooks"])
def test_a_failure_of_ours_ends_only_the_recording(
    role: WatchRole, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*arguments: Any, **keywords: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(role.fits, broken, fail)
    model, x = Model(), object()
    assert role.unit("fit", fit(role), model, (x,), {}) is x
    assert role.unit("fit", fit(role), model, (x,), {}) is x
    assert model.callback.seen == ["begin", "end"] * 6
    assert not role.recording
    assert any("by a failure of fitdoctor: ZeroDivisionError: ours" in limit for limit in role.record.limits)
    role.end(Ending(how="finished", code=0))
    assert role.record.ending.how == "finished"


def test_fit_itself_reports_wrong_arguments(role: WatchRole) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        role.unit("fit", fit(role), Model(), (1,), {"nonsense": 2})
    assert role.recording


def test_calls_of_predict_are_counted_and_never_replaced(role: WatchRole) -> None:
    made = []

    def predict(model: Model, x: Any, batch_size: int | None = None) -> int:
        made.append(x)
        return len(made)

    assert [role.unit("predict", predict, Model(), ([1],), {}) for _ in range(50)] == list(range(1, 51))
    (loop,) = role.record.loops
    assert (loop.kind, loop.calls, loop.run.count, loop.substituted.count) == ("predict", 50, 50, 0)


def test_an_evaluation_in_a_callback_is_not_counted_as_validation(role: WatchRole) -> None:
    def evaluate(model: Model, x: Any) -> None:
        for name in ("on_test_batch_begin", "on_test_batch_end"):
            role.hook(name, lambda callbacks, *arguments: None, SimpleNamespace(callbacks=[], model=model), (0,), {})

    class Evaluates(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            role.unit("evaluate", evaluate, Model(), ([1],), {})

    model = Model()
    model.callback = Evaluates()
    role.unit("fit", fit(role), model, (1,), {})
    (record,), (loop,) = role.record.fits, role.record.loops
    assert loop.run.count == 3
    assert record.validation_first_step.count == record.validation_step.count == 0


def test_a_step_is_computed_when_the_future_of_keras_is_done(role: WatchRole) -> None:
    role.record.fits.append(Fit(site=Site(file="train.py", line=1), asynchronous_hooks=True))
    timer = role.fits.begin(0).timer
    timer.device.overlap, future = Overlap(), Future[None]()
    began_s = time.perf_counter()
    timer.sampler.batches_per_step = 2
    role.step_sent(timer, SimpleNamespace(_futures=[Future(), future]), 5)
    assert not timer.device.overlap.observed
    future.set_result(None)
    assert began_s < (timer.device.overlap.done_at(2) or 0.0) < time.perf_counter()
    role.step_sent(timer, SimpleNamespace(), 7)  # a Keras that keeps none
    assert timer.device.overlap.done_at(3) is None


def test_background_time_of_hooks_is_kept_per_step(role: WatchRole) -> None:
    times = role.fits._callback_timer
    described = describe.callbacks([Callback()])[0]
    for _ in range(2):
        times.epoch_begins()
        began_s = time.perf_counter()
        for _ in range(2):
            times._time_beside(described, "on_train_batch_end", time.sleep, (0,), {})
        assert 0 < times.beside_s(0) < time.perf_counter() - began_s
        assert times.beside_s(256) == 0.0
    times._beside[3] = (3, 1.0)
    times.epoch_begins()
    assert times.beside_s(3) == 0.0


def test_nested_calls_restore_the_skip_of_the_outer_fit(role: WatchRole) -> None:
    role.record.fits.append(Fit(site=Site(file="train.py", line=1)))
    outer = role.step_skip.callback_list = object()
    role.calls.begin("evaluate", Model(), {})
    call = role.fits.begin(0)
    role.calls.begin("evaluate", Model(), {})
    assert role.step_skip.callback_list is None
    role.calls.end(0.0)
    role.fits.end(call)
    role.calls.end(0.0)
    assert role.step_skip.callback_list is outer


def test_an_error_of_a_signal_handler_reaches_the_script_during_batch_waited(
    role: WatchRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(number: int, frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        monkeypatch.setattr(Session, "batch_waited", lambda *_: signal.raise_signal(signal.SIGALRM))
        with pytest.raises(TimeoutError):
            role.batch_waited(0.1)
        assert role.recording
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_fit_in_another_thread_is_not_recorded(role: WatchRole) -> None:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(role.unit("fit", lambda model, x: x, Model(), (5,), {})))
    thread.start()
    thread.join()
    assert results == [5]
    assert role.record.fits == []
    assert "in a thread" in role.record.limits[0]


def test_unreadable_weights_are_reported_and_the_rest_is_recorded(
    role: WatchRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no values here")

    monkeypatch.setattr(weight_movement, "_chosen", fail)
    monkeypatch.setattr(learn_input, "learn", lambda *_, **__: None)
    model = Model()
    model.built, model.count_params = True, lambda: 0  # type: ignore[attr-defined]
    assert role.unit("fit", fit(role), model, (5,), {}) == 5
    assert role.recording
    assert role.record.fits[0].epochs_seen == 3
    assert role.record.limits == ["The movement of the weights was not recorded: RuntimeError: no values here"]


def test_an_unreadable_input_is_reported_and_the_rest_is_recorded(
    role: WatchRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no numbers here")

    monkeypatch.setattr(learn_input, "learn", fail)
    model = Model()
    model.built = True
    model.count_params = lambda: 3  # type: ignore[attr-defined]
    assert role.unit("fit", fit(role), model, (5,), {}) == 5
    assert role.record.limits == ["The numbers of the input were not examined: RuntimeError: no numbers here"]
    assert role.record.fits[0].parameters == 3
