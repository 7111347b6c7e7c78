"""Python launches every operation of every step, because the model trains eagerly.

## What it is
The model is compiled with `run_eagerly=True`, or `tf.config.run_functions_eagerly(True)` is on for the whole program.
On JAX, `jit_compile=False` does the same.

## Why it is slow
A compiled step is one call into TensorFlow. An eager step is hundreds of calls from Python, each with its own overhead,
without fusion and without parallel execution of independent operations. The smaller the model, the larger is this part
of a step.

## How it is detected
The switches are read when `fit` is called. The cause is reported if compiling may save 5 % of the whole training. A
trial alternates between the compiled and the eager step.

## Example
```python
model.compile(optimizer="adam", loss="mse", run_eagerly=True)  # left over from debugging
```

## Use instead
```python
model.compile(optimizer="adam", loss="mse")
```

## Safety
Numerics: a compiled step computes the same mathematics and may round differently. A trial compares the weights. Python
code inside the step runs only while it is traced (a `print` prints once), and `.numpy()` fails there.

## Further reading
* [Better performance with tf.function](https://www.tensorflow.org/guide/function)
* [Model.compile](https://keras.io/api/models/model_training_apis/#compile-method)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.recording.model import Fit
from fitdoctor.wording import duration

TITLE = "The model runs eagerly"
REMEDIES = ("compiled-step",)

# The share of an eager step that compiling removes: little if large operations dominate, else three quarters or more.
SAVED_LOW, SAVED_MID, SAVED_HIGH = 0.2, 0.75, 0.9


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        if not facts.is_eager(fit):
            continue
        steps_s = fit.function_s * fit.steps("mid")
        cost = Interval(low=steps_s * SAVED_LOW, mid=steps_s * SAVED_MID, high=steps_s * SAVED_HIGH)
        if not facts.worthwhile(cost):
            continue
        switch = _switch(record)
        site = record.compile_site
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(
                location(site, "run_eagerly", True) if site and record.run_eagerly else None,
                location(site, "jit_compile", False)
                if site and not (record.run_eagerly or record.eager_globally)
                else None,
                location(record.eager_site) if record.eager_site and record.eager_globally else None,
                location(site) if site else None,
                location(record.site),
            ),
            evidence=(
                Evidence(text=f"{switch}: Python launches each operation of each step."),
                Evidence(text=f"An eager step takes {duration(fit.step_s)}.", value=fit.step_s, unit="s"),
            ),
        )


def _switch(record: Fit) -> str:
    if record.run_eagerly:
        return "run_eagerly=True"
    return "tf.config.run_functions_eagerly(True)" if record.eager_globally else "jit_compile=False"
