"""Times validation passes as fit makes them."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.apply import live
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import keras_internals, loops
from fitdoctor.probe.trials.arm import Runner

LONGEST_S = 10.0


class Validations:
    """Validation passes of the arms of one fit.

    Args:
        model: The model, compiled.
        bound: Fit's arguments by name, with `validation_data`.
        callbacks: The fit's, which a pass calls.
    """

    def __init__(self, model: Any, bound: dict[str, Any], callbacks: Any) -> None:
        self._model, self._bound, self._callbacks = model, bound, callbacks
        self._kept = keras_internals.evaluation_attribute(model)
        self._test_function: Any = None

    def prepare(self, runner: Runner, *, fresh: bool) -> dict[str, Any]:
        """Makes an arm's input and function, the latter its own where `fresh`, and runs one pass.

        Raises:
            ValueError: A pass is too long to be repeated.
        """
        model = self._model
        if fresh or self._test_function is None:
            runner.test_function = loops.made(model, "test")
            self._test_function = self._test_function or runner.test_function
        else:
            runner.test_function = self._test_function
        bound = live.to_fit(self._bound, runner.changes)
        runner.evaluation = keras_internals.evaluation(model, keras_internals.unpacked(bound["validation_data"]), bound)
        began_s = time.perf_counter()
        self.run(runner)
        first_s = time.perf_counter() - began_s
        if first_s > LONGEST_S:
            raise ValueError(f"one validation pass takes {first_s:.0f} s, too long to repeat within a trial")
        return {"one_off_s": first_s, "unit_s": first_s}

    def run(self, runner: Runner) -> dict[str, Any]:
        """One pass of an arm; its logs."""
        model, data = self._model, keras_internals.unpacked(self._bound["validation_data"])
        before = getattr(model, self._kept, None)
        setattr(model, self._kept, runner.evaluation)
        model.test_function = runner.test_function
        try:
            result: dict[str, Any] = model.evaluate(
                x=data[0],
                y=data[1],
                sample_weight=data[2],
                callbacks=self._callbacks,
                return_dict=True,
                _use_cached_eval_dataset=True,
            )
        finally:
            setattr(model, self._kept, before)
        return result
