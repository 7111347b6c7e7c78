"""Each training step runs Python or NumPy code of the script's own.

## What it is
The loss, a metric, a layer or `train_step` calls `tf.py_function` or `tf.numpy_function`, or, in a model that runs
eagerly, works with `.numpy()`, NumPy or plain Python.

## Why it is slow
The compiled step stops, waits for the interpreter and its one lock, and hands tensors over and back. Nothing of that
part can be fused, run in parallel or moved to an accelerator. In a model that runs eagerly it is also what stands in
the way of compiling it.

## How it is told
Functions that a step calls back into are noted when the step is traced, and each of their runs is timed. In a model
that runs eagerly, samples of the stack tell how much of a step is Python and NumPy itself and not the framework. From 5
% of the whole training on they count. How much a step would take without them can't be told from outside: the functions
must be written anew, by hand.

## Example
```python
def smooth_l1(y_true, y_pred):
    error = tf.numpy_function(lambda a, b: np.abs(a - b), [y_true, y_pred], tf.float32)
    return tf.reduce_mean(tf.where(error < 1, error**2 / 2, error - 0.5))

model.compile(optimizer="adam", loss=smooth_l1)
```

## Use instead
```python
def smooth_l1(y_true, y_pred):
    error = keras.ops.abs(y_true - y_pred)
    return keras.ops.mean(keras.ops.where(error < 1, error**2 / 2, error - 0.5))

model.compile(optimizer="adam", loss=smooth_l1)
```

## Safety
Numerics: the same mathematics with other rounding, as long as it is the same mathematics. A function of NumPy has no
gradient: where one stood in the loss, an operation in its place may let gradients flow that did not before.

## Further reading
* [keras.ops](https://keras.io/api/ops/)
* [tf.py_function](https://www.tensorflow.org/api_docs/python/tf/py_function)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.locations import file_and_line, locations
from fitdoctor.facts.sampled_lines import costliest_line, sampled_locations
from fitdoctor.facts.units import unit_s
from fitdoctor.recording.model import PythonOperation
from fitdoctor.wording import duration, percent

TITLE = "The step calls back into Python"
REMEDIES: tuple[str, ...] = ()

#: Written with operations of the framework, the same work still takes something, and part of it may have overlapped.
LEAST_SHARE = 0.5


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        timed = [operation for operation in fit.record.python_operations if operation.runs.count]
        each_s = min(fit.function_s, sum(_a_step(fit, operation) for operation in timed))
        share = sum(line.share for line in fit.record.hot_lines if line.where == "step")
        taken_s = each_s or min(1.0, share) * fit.function_s
        steps = fit.steps("mid")
        cost = Interval(low=LEAST_SHARE * taken_s * steps, mid=taken_s * steps, high=taken_s * steps)
        if facts.share_of(cost.mid) < WORTHWHILE_SHARE:
            continue
        written = [operation for operation in timed if operation.kind != "gradient" and operation.site is not None]
        written.sort(key=lambda operation: -operation.runs.total_s)
        of_step = percent(taken_s / fit.step_s)
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=True,
            locations=locations(
                *(location(operation.site) for operation in written if operation.site),
                *sampled_locations(fit, "step"),
                location(fit.record.site),
            ),
            evidence=(
                *(_evidence(operation) for operation in written[:2]),
                Evidence(
                    text=f"{duration(taken_s)} of a step's {duration(fit.step_s)} is Python of the script's own ({of_step}).",
                    value=taken_s,
                    unit="s",
                ),
                *costliest_line(fit, "a step", "step"),
            ),
        )


def _a_step(fit: FitFacts, operation: PythonOperation) -> float:
    """Seconds that an operation takes of a step on average; it may run several times in one, or only in some."""
    record = fit.record
    executions = record.first_step.count + record.epoch_first_step.count + record.step.count
    return unit_s(operation.runs) * operation.runs.count / max(1, executions * fit.per_execution)


def _evidence(operation: PythonOperation) -> Evidence:
    where = f" at {file_and_line(operation.site)}" if operation.site else ""
    value = unit_s(operation.runs)
    return Evidence(
        text=f"The step calls a {operation.kind}{where}: {duration(value)} each time.", value=value, unit="s"
    )
