"""A `tf.function` is traced many times.

## What it is
A function of the script's own, under `@tf.function`, gets other Python numbers, strings or objects, or tensors of other
shapes, with each call. Or the `tf.function` itself is made again in a loop.

## Why it is slow
A Python value is part of the graph. For each new value TensorFlow runs the Python code once more to make another graph.
This takes from tens of milliseconds to seconds. A call of an existing graph takes a fraction of a millisecond.

## How it is detected
Each trace is timed, with the function and the line that calls it. Five traces of one function from one place are
reported: TensorFlow itself warns from there on. The cost is the time of all traces but the first.

## Example
```python
@tf.function
def train_step(x, y, epoch):
    ...

for epoch in range(100):
    train_step(x, y, epoch)             # a graph for each number
```

## Use instead
```python
for epoch in range(100):
    train_step(x, y, tf.constant(epoch))

@tf.function(reduce_retracing=True)    # or input_signature=[tf.TensorSpec([None, None, 3])] if shapes vary
def train_step(x, y, epoch):
    ...
```

## Safety
Exact: the same operations run on the same values. There is no trial: when a value becomes a tensor, Python code around
it may need changes, and only you know that code.

## Further reading
* [Controlling retracing](https://www.tensorflow.org/guide/function#controlling_retracing)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.wording import duration, number

TITLE = "A function is traced many times"
REMEDIES: tuple[str, ...] = ()

# TensorFlow warns from five traces on. A function that makes variables is traced twice by design.
FEWEST_TRACES = 5


def check(facts: Facts) -> Iterator[Finding]:
    for traced in facts.scout.traced:
        took = traced.traces
        cost_s = took.total_s - took.first_s
        cost = Interval(low=cost_s, mid=cost_s, high=cost_s)
        if took.count < FEWEST_TRACES or not facts.worthwhile(cost):
            continue
        text = (
            f"{traced.function.function}() was traced {number(took.count)} times, "
            f"{duration(took.total_s / took.count)} each."
        )
        yield Finding(
            cost_s=cost,
            measured=True,
            locations=locations(location(traced.site), location(traced.function)),
            evidence=(Evidence(text=text, value=float(took.count)),),
        )
