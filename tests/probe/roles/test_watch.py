"""A watched training computes what it would compute alone:

each call goes through once, as it was made, whatever becomes of us.
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
from fitdoctor.probe.observe.observer import Observer
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
def director(monkeypatch: pytest.MonkeyPatch) -> WatchRole:
    monkeypatch.setattr(
        describe, "fit", lambda model, bound, site: Fit(site=Site(file="train.py", line=7), epochs=3, steps_per_epoch=2)
    )
    made = WatchRole(ProcessRecord(), Ledger("start", started_s=time.monotonic()), lambda: None)
    for name in ("_identify", "_name_devices", "_settle"):  # they ask the framework
        monkeypatch.setattr(made, name, lambda *_, **__: None)
    return made


def fit(director: WatchRole, steps: int = 2, fail: BaseException | None = None) -> Callable[..., Any]:
    """What Keras' fit does with its hooks, three epochs long."""

    def fit_(model: Model, x: Any, *, epochs: int = 3, validation_data: Any = None) -> Any:
        callbacks = SimpleNamespace(callbacks=[model.callback], model=model)

        def hook(name: str, *arguments: Any) -> None:
            def original(callbacks: Any, *arguments: Any) -> None:
                for callback in callbacks.callbacks:
                    getattr(callback, name, lambda *_: None)(*arguments)

            director.hook(name, original, callbacks, arguments, {})

        hook("on_train_begin")
        model.during = sorted(vars(model.callback))
        for epoch in range(epochs):
            hook("on_epoch_begin", epoch)
            for step in range(steps):
                assert not director.stop_here(None)
                hook("on_train_batch_begin", step)
                hook("on_train_batch_end", step, {"loss": 1.0})
            if fail is not None:
                raise fail
            hook("on_epoch_end", epoch, {"loss": 1.0 / (epoch + 1), "bad": float("nan"), "words": "no number"})
        hook("on_train_end")
        return x

    return fit_


def test_a_fit_goes_through_and_is_recorded(director: WatchRole) -> None:
    model, x = Model(), object()
    assert director.unit("fit", fit(director), model, (x,), {"epochs": 3}) is x
    (record,) = director.scout.fits
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
    assert director.scout.limits == []


def test_callbacks_are_given_back_as_they_were(director: WatchRole) -> None:
    model = Model()
    before = dict(vars(model.callback))
    director.unit("fit", fit(director), model, (1,), {})
    assert model.during == sorted(before)
    assert vars(model.callback) == before
    with pytest.raises(OSError, match="disk"):
        director.unit("fit", fit(director, fail=OSError("disk")), model, (1,), {})
    assert vars(model.callback) == before


def test_an_error_of_the_scripts_is_the_scripts(director: WatchRole) -> None:
    with pytest.raises(KeyboardInterrupt):
        director.unit("fit", fit(director, fail=KeyboardInterrupt()), Model(), (1,), {})
    assert director.timer is None
    assert director.scout.fits[0].teardown.count == 0


@pytest.mark.parametrize(
    "broken", ["open_fit", "enter_fit", "leave_fit", "before_hook", "after_hook", "learn_from", "take_off"]
)
def test_a_failure_of_ours_ends_the_looking_and_nothing_else(
    director: WatchRole, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*arguments: Any, **keywords: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(director, broken, fail)
    model, x = Model(), object()
    assert director.unit("fit", fit(director), model, (x,), {}) is x
    assert director.unit("fit", fit(director), model, (x,), {}) is x
    assert model.callback.seen == ["begin", "end"] * 6
    assert not director.looking
    assert any("by a failure of fitdoctor: ZeroDivisionError: ours" in limit for limit in director.scout.limits)
    director.end(Ending(how="finished", code=0))
    assert director.scout.ending.how == "finished"


def test_arguments_that_fit_does_not_take_are_told_by_fit_itself(director: WatchRole) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        director.unit("fit", fit(director), Model(), (1,), {"nonsense": 2})
    assert director.looking


def test_calls_of_predict_are_counted_and_never_replaced(director: WatchRole) -> None:
    made = []

    def predict(model: Model, x: Any, batch_size: int | None = None) -> int:
        made.append(x)
        return len(made)

    assert [director.unit("predict", predict, Model(), ([1],), {}) for _ in range(50)] == list(range(1, 51))
    (loop,) = director.scout.loops
    assert (loop.kind, loop.calls, loop.run.count, loop.substituted.count) == ("predict", 50, 50, 0)


def test_what_a_callback_evaluates_is_no_validation_of_the_fit(director: WatchRole) -> None:
    def evaluate(model: Model, x: Any) -> None:
        for name in ("on_test_batch_begin", "on_test_batch_end"):
            director.hook(
                name, lambda callbacks, *arguments: None, SimpleNamespace(callbacks=[], model=model), (0,), {}
            )

    class Evaluates(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            director.unit("evaluate", evaluate, Model(), ([1],), {})

    model = Model()
    model.callback = Evaluates()
    director.unit("fit", fit(director), model, (1,), {})
    (record,), (loop,) = director.scout.fits, director.scout.loops
    assert loop.run.count == 3
    assert record.validation_first_step.count == record.validation_step.count == 0


def test_when_a_step_was_computed_is_told_by_the_wait_that_keras_keeps(director: WatchRole) -> None:
    director.scout.fits.append(Fit(site=Site(file="train.py", line=1), asynchronous_hooks=True))
    timer = director.enter_fit(0).timer
    timer.device.overlap, future = Overlap(), Future[None]()
    began_s = time.perf_counter()
    timer.sampler.batches_per_step = 2
    director.sent(timer, SimpleNamespace(_futures=[Future(), future]), 5)
    assert not timer.device.overlap.observed
    future.set_result(None)
    assert began_s < (timer.device.overlap.done_at(2) or 0.0) < time.perf_counter()
    director.sent(timer, SimpleNamespace(), 7)  # a Keras that keeps none
    assert timer.device.overlap.done_at(3) is None


def test_what_hooks_took_beside_the_loop_is_that_of_one_step(director: WatchRole) -> None:
    times = director._hook_times
    described = describe.callbacks([Callback()])[0]
    for _ in range(2):
        times.epoch_begins()
        for _ in range(2):
            times._time_beside(described, "on_train_batch_end", time.sleep, (0,), {})
        assert 0 < times.beside_s(0) < 0.01
        assert times.beside_s(256) == 0.0
    times._beside[3] = (3, 1.0)
    times.epoch_begins()
    assert times.beside_s(3) == 0.0


def test_loops_in_loops_leave_a_rest_as_it_was(director: WatchRole) -> None:
    director.scout.fits.append(Fit(site=Site(file="train.py", line=1)))
    outer = director.step_skip.callback_list = object()
    director.enter_loop("evaluate", Model(), {})
    visit = director.enter_fit(0)
    director.enter_loop("evaluate", Model(), {})
    assert director.step_skip.callback_list is None
    director.leave_loop(0.0)
    director.leave_fit(visit)
    director.leave_loop(0.0)
    assert director.step_skip.callback_list is outer


def test_a_handler_of_the_scripts_is_heard_while_a_batch_is_noted(
    director: WatchRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(number: int, frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        monkeypatch.setattr(Observer, "batch_waited", lambda *_: signal.raise_signal(signal.SIGALRM))
        with pytest.raises(TimeoutError):
            director.batch_waited(0.1)
        assert director.looking
    finally:
        signal.signal(signal.SIGALRM, before)


def test_another_thread_is_left_alone(director: WatchRole) -> None:
    results: list[Any] = []
    thread = threading.Thread(
        target=lambda: results.append(director.unit("fit", lambda model, x: x, Model(), (5,), {}))
    )
    thread.start()
    thread.join()
    assert results == [5]
    assert director.scout.fits == []
    assert "in a thread" in director.scout.limits[0]


def test_weights_that_cannot_be_read_are_left_out_and_nothing_else(
    director: WatchRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no values here")

    monkeypatch.setattr(weight_movement, "_chosen", fail)
    monkeypatch.setattr(learn_input, "learn", lambda *_, **__: None)
    model = Model()
    model.built, model.count_params = True, lambda: 0  # type: ignore[attr-defined]
    assert director.unit("fit", fit(director), model, (5,), {}) == 5
    assert director.looking
    assert director.scout.fits[0].epochs_seen == 3
    assert director.scout.limits == ["How the weights moved was not seen: RuntimeError: no values here"]


def test_an_input_that_cannot_be_looked_at_is_left_out_and_nothing_else(
    director: WatchRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no numbers here")

    monkeypatch.setattr(learn_input, "learn", fail)
    model = Model()
    model.built = True
    model.count_params = lambda: 3  # type: ignore[attr-defined]
    assert director.unit("fit", fit(director), model, (5,), {}) == 5
    assert director.scout.limits == ["The numbers of the input were not looked at: RuntimeError: no numbers here"]
    assert director.scout.fits[0].parameters == 3
