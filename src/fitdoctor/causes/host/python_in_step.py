"""Each training step runs Python or NumPy code of the script's own.

## What it is
The loss, a metric, a layer or `train_step` calls `tf.py_function` or `tf.numpy_function`. Or, in an eager model, it
works with `.numpy()`, NumPy or plain Python.

## Why it is slow
The compiled step stops, waits for the interpreter and its lock, and hands tensors over and back. This part can't be
fused, run in parallel or moved to an accelerator. In an eager model it also prevents compiling.

## How it is detected
Python functions that a step calls are recorded when the step is traced, and each run of them is timed. In an eager
model, samples of the stack show which part of a step is the script's own Python and NumPy. They are reported from 5 %
of the whole training on. There is no trial: the functions must be rewritten by hand.

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
Numerics: the rewritten function may round differently. A NumPy function has no gradient. If it is part of the loss, an
operation in its place may add gradients that were missing before.

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

# The same work with operations of the framework still takes some time, and a part of it may have overlapped.
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
                    text=f"{duration(taken_s)} of a step's {duration(fit.step_s)} is the script's own Python "
                    f"({of_step}).",
                    value=taken_s,
                    unit="s",
                ),
                *costliest_line(fit, "a step", "step"),
            ),
        )


def _a_step(fit: FitFacts, operation: PythonOperation) -> float:
    """The mean seconds of an operation in a step. It may run several times in a step, or only in some steps."""
    record = fit.record
    executions = record.first_step.count + record.epoch_first_step.count + record.step.count
    return unit_s(operation.runs) * operation.runs.count / max(1, executions * fit.per_execution)


def _evidence(operation: PythonOperation) -> Evidence:
    where = f" at {file_and_line(operation.site)}" if operation.site else ""
    value = unit_s(operation.runs)
    return Evidence(
        text=f"The step calls a {operation.kind}{where}: {duration(value)} each time.", value=value, unit="s"
    )
