"""Changes of live objects are made and undone. The objects are test doubles, without a framework."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fitdoctor.changes.model import InsertCall, Place, SetArgument, ThrottleHook
from fitdoctor.probe.apply import live

HERE = Place(file="train.py", line=1)


class Plotter:
    every = 1

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.epochs.append(epoch)


def compile_(argument: str, value: object) -> SetArgument:
    return SetArgument(place=HERE, call="Model.compile", argument=argument, value=value)


def test_settings_of_a_model_are_restored() -> None:
    model = SimpleNamespace(run_eagerly=True, steps_per_execution=1, jit_compile=False)
    undo = live.apply_to_model(
        model, [compile_("run_eagerly", False), compile_("steps_per_execution", 8), compile_("run_eagerly", None)]
    )
    assert (model.run_eagerly, model.steps_per_execution) == (None, 8)
    undo()
    assert model == SimpleNamespace(run_eagerly=True, steps_per_execution=1, jit_compile=False)


def test_a_setting_that_can_not_be_changed_leaves_the_model_unchanged() -> None:
    model = SimpleNamespace(run_eagerly=True, optimizer="adam")
    with pytest.raises(ValueError, match="`optimizer` of compile"):
        live.apply_to_model(model, [compile_("run_eagerly", False), compile_("optimizer", "sgd")])
    assert model == SimpleNamespace(run_eagerly=True, optimizer="adam")


def test_arguments_of_fit() -> None:
    bound = {"x": 1, "validation_batch_size": None}
    changed = live.apply_to_fit(
        bound, [SetArgument(place=HERE, call="Model.fit", argument="validation_batch_size", value=256)]
    )
    assert changed == {"x": 1, "validation_batch_size": 256}
    assert bound == {"x": 1, "validation_batch_size": None}


def test_a_throttled_hook_runs_at_every_nth_call() -> None:
    callback = Plotter()
    undo = live.apply_to_callbacks(
        [object(), callback], [ThrottleHook(place=HERE, call="Plotter", hook="on_epoch_end", every=3, index=1)]
    )
    for epoch in range(7):
        callback.on_epoch_end(epoch)
    assert callback.epochs == [0, 3, 6]
    undo()
    assert "on_epoch_end" not in vars(callback)
    callback.on_epoch_end(7)
    assert callback.epochs[-1] == 7


def test_a_throttled_hook_keeps_its_count_when_the_changes_are_made_again() -> None:
    callback, calls = Plotter(), {0: 1}
    for epoch in range(1, 7):
        change = ThrottleHook(place=HERE, call="Plotter", hook="on_epoch_end", every=3, index=0)
        undo = live.apply_to_callbacks([callback], [change], calls)
        callback.on_epoch_end(epoch)
        undo()
    assert callback.epochs == [3, 6]
    assert calls == {0: 7}


def test_hooks_of_batches_do_not_count_for_epochs() -> None:
    rarely = (("on_train_batch_end", 50), ("on_epoch_end", 5), ("on_epoch_end", 3))
    changes = [ThrottleHook(place=HERE, call="Plotter", hook=hook, every=every, index=0) for hook, every in rarely]
    assert live.longest_throttle_period([*changes, compile_("run_eagerly", False)], "on_epoch") == 5
    assert live.longest_throttle_period([*changes], "on_train_batch") == 50
    assert live.longest_throttle_period([], "on_epoch") == 1


def test_a_hook_of_the_instance_is_restored() -> None:
    callback = Plotter()
    own = callback.on_epoch_end
    callback.on_epoch_end = own  # type: ignore[method-assign]
    undo = live.apply_to_callbacks(
        [callback], [ThrottleHook(place=HERE, call="Plotter", hook="on_epoch_end", every=2, index=0)]
    )
    undo()
    assert vars(callback)["on_epoch_end"] is own


def test_an_attribute_of_a_callback() -> None:
    callback = Plotter()
    undo = live.apply_to_callbacks(
        [callback], [SetArgument(place=HERE, call="Plotter", argument="every", value=5, index=0)]
    )
    assert callback.every == 5
    undo()
    assert callback.every == 1


@pytest.mark.parametrize(("index", "call"), [(1, "Plotter"), (0, "TensorBoard")])
def test_a_missing_callback_leaves_the_others_unchanged(index: int, call: str) -> None:
    callback = Plotter()
    first = SetArgument(place=HERE, call="Plotter", argument="every", value=5, index=0)
    with pytest.raises(ValueError, match=f"Expected callback {index} to be a {call}"):
        live.apply_to_callbacks(
            [callback], [first, ThrottleHook(place=HERE, call=call, hook="on_epoch_end", every=2, index=index)]
        )
    assert callback.every == 1


def test_changes_of_other_objects_are_ignored() -> None:
    change = InsertCall(place=HERE, call="prefetch")
    model = SimpleNamespace()
    live.apply_to_model(model, [change])()
    live.apply_to_callbacks([], [change])()
    assert live.apply_to_fit({"x": 1}, [change]) == {"x": 1}
    assert model == SimpleNamespace()
