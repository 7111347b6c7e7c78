"""Steps the model of a fit as fit's own loop does, with the settings of one arm at a time."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.apply import live
from fitdoctor.probe.trainer import keras_internals, loops
from fitdoctor.probe.trials.feeds import feeds_of
from fitdoctor.probe.trials.runner import Runner


class FitStepper:
    """What all arms of one fit share: the model, fit's arguments, the inputs, the callbacks and the step loop.

    Args:
        model: The model, compiled, as the script passed it.
        bound: Fit's arguments by name.
        cores: Cores that this process may use.

    Attributes:
        first_call_s: Seconds of the first call of a compiled function, where a verification made it. The arm that
            shares this function pays no more.
        has_begun: Whether the training has begun for the callbacks.
    """

    def __init__(self, model: Any, bound: dict[str, Any], cores: int) -> None:
        self.model, self.bound = model, dict(bound)
        keras_internals.train_as_compiled(model)
        self._split_validation_off()
        self.feeds = feeds_of(model, self.bound, cores)
        self.loop = loops.of(model)
        self.callbacks = keras_internals.callback_list(model, bound)
        self.first_call_s: dict[Any, float] = {}
        self.has_begun = False
        self._functions: dict[tuple[Any, ...], Any] = {}

    def _split_validation_off(self) -> None:
        bound = self.bound
        if bound["validation_split"] and bound["validation_data"] is None:
            names = ("x", "y", "sample_weight")
            training, bound["validation_data"] = keras_internals.split_off(
                tuple(bound[name] for name in names), bound["validation_split"]
            )
            bound.update(zip(names, training, strict=True))

    def begin(self) -> None:
        """Builds the model and begins the training, once."""
        if self.has_begun:
            return
        self.has_begun = True
        if not backends.on_tensorflow():
            keras_internals.build(self.model, lambda: self.feeds.dataset([]))
        elif self.model.built:
            keras_internals.build_optimizer(self.model)
        self.callbacks.on_train_begin()
        self.callbacks.on_epoch_begin(0)

    def enter(self, runner: Runner, *, new: bool = False, fresh: bool = False) -> live.Undo:
        """Applies an arm's settings and function. The result restores the script's own.

        Args:
            runner: Of the arm.
            new: Whether the runner needs a compiled function. Arms with the same settings share one.
            fresh: Whether it gets a function of its own. The placebo does, since it goes through all that a remedy
                goes through.
        """
        model = self.model
        before = model.train_function
        undo_model = live.apply_to_model(model, runner.changes)
        try:
            undo_callbacks = live.apply_to_callbacks(self.callbacks.callbacks, runner.changes, runner.calls)
        except BaseException:
            undo_model()
            raise
        runner.steps = int(keras_internals.setting(model, "steps_per_execution") or 1)
        if new:
            key = live.compilation_key(model)
            runner.function = None if fresh else self._functions.get(key)
            if runner.function is None:
                runner.function = loops.made(model)
                self._functions.setdefault(key, runner.function)
        model.train_function = runner.function

        def undo() -> None:
            self.loop.rest()
            undo_callbacks()
            undo_model()
            model.train_function = before

        return undo

    def go(self, runner: Runner, units: int) -> int:
        """Takes steps as fit's own loop does, and waits for the end of the last one.

        Returns how many steps it took.
        """
        callbacks, function, iterator, steps = self.callbacks, runner.function, runner.iterator, runner.steps
        step, first = self.loop.step, runner.step
        with loops.to_the_end(self.loop):
            for _ in range(max(1, units // steps)):
                callbacks.on_train_batch_begin(runner.step)
                runner.logs = step(function, iterator)
                callbacks.on_train_batch_end(runner.step + steps - 1, runner.logs)
                runner.step += steps
        if getattr(callbacks, "_async_train", False):
            callbacks._flush_futures()  # Keras runs these hooks on a thread of its own, beside the steps
        return runner.step - first

    def go_for(self, runner: Runner, seconds: float) -> int:
        """Takes steps for some seconds, and returns how many it took."""
        return loops.go_for(seconds, runner.steps, lambda units: self.go(runner, units))

    def end_epoch(self, runner: Runner, logs: dict[str, Any] | None = None) -> None:
        """Runs the end of an epoch, and the begin of the next, through fit's own callbacks.

        Args:
            runner: Of the arm.
            logs: What the callbacks get; without them, logs of this moment.
        """
        self.loop.rest()
        self.callbacks.on_epoch_end(runner.epoch, self.epoch_logs() if logs is None else logs)
        runner.epoch += 1
        self.callbacks.on_epoch_begin(runner.epoch)

    def epoch_logs(self) -> dict[str, Any]:
        """Logs as the end of an epoch has them, with the values of this moment. Those of validation are the same."""
        logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        if self.bound["validation_data"] is not None:
            logs |= {f"val_{name}": value for name, value in logs.items()}
        return logs

    def close(self) -> None:
        """Ends the training and the worker processes of the inputs."""
        self._functions.clear()
        self.first_call_s.clear()
        try:
            if self.has_begun:
                self.callbacks.on_train_end()
        finally:
            self.feeds.close()
