"""A stage of the `tf.data` pipeline calls back into Python for every element.

## What it is
`Dataset.from_generator`, `tf.py_function` and `tf.numpy_function` look like stages of a pipeline, but each element
makes TensorFlow's C++ threads hand control back to the Python interpreter that also runs `fit`.

## Why it is slow
Only one thread can hold the interpreter's lock. More parallel calls don't help, and each call pays for the hand-over
and for the conversion of its arrays, often far more than the work itself costs. While the next batch is being made, the
device waits.

## How it is told
The construction of the pipeline is recorded, call by call; a stage counts when it runs a Python function for each
element. What waiting for input costs is measured by a trial on input that is there already; a wait below 5 % of the
whole training is no cause. Samples of the stack name the costliest lines. For `from_generator` another trial feeds what
the generator gives as arrays. A function that is mapped can only be rewritten by hand; where it gives the same in each
epoch, a trial keeps its results in a `cache`. Where they fill the buffer of a shuffle, the wait for that is timed and
counts too.

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
Where all of it fits into memory, make it once: `x, y = map(np.stack, zip(*rows()))`, and slice the arrays.

## Safety
Arrays that are made once hold the same numbers: exact, unless the generator gives others in each epoch. The trial runs
it a second time to see that, and gives up where it does, where a pass takes too long, or where the arrays need more
than a quarter of the free memory. Rewriting with TensorFlow's operations may round differently.

## Further reading
* [Better performance with the tf.data API](https://www.tensorflow.org/guide/data_performance)
* [tf.data.Dataset.from_generator](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#from_generator)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.caching import works_alone_before_a_shuffle
from fitdoctor.facts.input.pipeline import python_operations
from fitdoctor.facts.input.stalls import input_and_stalls, stall_cost, stall_evidence, stalls_matter
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import costliest_line, sampled_locations

TITLE = "The input pipeline calls back into Python for every element"
REMEDIES = ("precomputed-input", "cached-input")


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        stages = python_operations(fit.record)
        cost, measured = input_and_stalls(facts, fit)
        stalls = stalls_matter(facts, fit)
        if fit.record.input_kind != "tf.data" or not stages or not (facts.input_matters(fit) or stalls):
            continue
        if works_alone_before_a_shuffle(fit.record, stages):
            # The buffer is filled with what Python makes, and nothing else takes time there.
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
                Evidence(text=f"{names} runs Python for each element, under the interpreter's lock."),
                wait_evidence(facts, fit),
                *([stall_evidence(fit)] if stalls else []),
                *costliest_line(fit, "the Python time of the input", "input"),
            ),
            data={"positions": [stage.position for stage in stages]},
        )
