"""A stage of the `tf.data` pipeline calls back into Python for every element.

## What it is
`Dataset.from_generator`, `tf.py_function` and `tf.numpy_function` look like stages of a pipeline. But for each
element TensorFlow's C++ threads hand control back to the Python interpreter that also runs `fit`.

## Why it is slow
Only one thread can hold the interpreter lock. More parallel calls don't help. Each call also pays for the hand-over and
for the conversion of its arrays, often more than for the work itself. Meanwhile the device waits.

## How it is detected
The pipeline's construction is recorded call by call. A stage counts if it runs a Python function for each element. A
trial on input that is ready beforehand measures how long training waits for input. A wait below 5 % of the whole
training is ignored. Samples of the stack name the costliest lines.

For `from_generator`, another trial feeds the generator's elements as arrays. A mapped function can only be rewritten by
hand. If it returns the same values in each epoch, a trial keeps them in a `cache`. If its elements fill the buffer of a
shuffle, the wait for that buffer is timed and counts too.

## Example
```python
def rows():
    for path, label in samples:
        yield load(path), label

dataset = tf.data.Dataset.from_generator(rows, output_signature=signature).batch(32)
```

## Use instead
```python
dataset = tf.data.Dataset.from_tensor_slices((paths, labels))
dataset = dataset.map(load_with_tf_operations, num_parallel_calls=tf.data.AUTOTUNE).batch(32).prefetch(2)
```
If all of it fits into memory, make it once: `x, y = map(np.stack, zip(*rows()))`, and slice the arrays.

## Safety
Exact, unless the generator returns other numbers in each epoch. The trial runs it a second time to check that. It gives
up if the numbers differ, if a pass takes too long, or if the arrays need more than a quarter of the free memory.
TensorFlow's own operations may round differently.

## Further reading
* [Better performance with the tf.data API](https://www.tensorflow.org/guide/data_performance)
* [tf.data.Dataset.from_generator](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#from_generator)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.caching import only_work_before_shuffle
from fitdoctor.facts.input.pipeline import python_operations
from fitdoctor.facts.input.stalls import input_cost_with_epoch_starts, stall_cost, stall_evidence, stalls_matter
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import costliest_line, sampled_locations

TITLE = "The input pipeline calls back into Python for every element"
REMEDIES = ("precomputed-input", "cached-input")


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        stages = python_operations(fit.record)
        cost, measured = input_cost_with_epoch_starts(facts, fit)
        stalls = stalls_matter(facts, fit)
        if fit.record.input_kind != "tf.data" or not stages or not (facts.input_matters(fit) or stalls):
            continue
        if only_work_before_shuffle(fit.record, stages):
            # Only Python fills the buffer, and nothing else takes time there.
            cost = Interval(low=cost.low + stall_cost(fit).low, mid=cost.mid, high=cost.high)
        places = [location(stage.site) if stage.site else None for stage in stages]
        functions = [location(stage.function) if stage.function else None for stage in stages]
        names = ", ".join(f"{stage.name}({stage.function.function if stage.function else ''})" for stage in stages)
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=measured,
            locations=locations(*places, *functions, *sampled_locations(fit, "input")),
            evidence=(
                Evidence(text=f"{names} runs Python for each element, under the interpreter lock."),
                wait_evidence(facts, fit),
                *([stall_evidence(fit)] if stalls else []),
                *costliest_line(fit, "the Python time of the input", "input"),
            ),
            data={"positions": [stage.position for stage in stages]},
        )
