"""A `tf.function` is traced again and again.

## What it is
A function of the script's own, under `@tf.function`, gets other Python numbers, strings or objects, or tensors of other
shapes, with each call; or the `tf.function` itself is made anew in a loop.

## Why it is slow
A Python value is part of the graph: for each new one TensorFlow runs the Python code once more to make another graph,
which takes from tens of milliseconds to seconds where a call of a graph that is there takes a fraction of one.

## How it is told
Every trace is timed as it happens, with the function and the line that called it. Five traces of one function from one
place are what TensorFlow itself warns of. The cost is the time of all but the first.

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

@tf.function(reduce_retracing=True)    # or input_signature=[tf.TensorSpec([None, None, 3])] where shapes vary
def train_step(x, y, epoch):
    ...
```

## Safety
Exact: the same operations on the same values. Nothing is tried from outside: a value that becomes a tensor changes what
Python code around it may do with it, and only you know that code.

## Further reading
* [Better performance with tf.function: controlling
  retracing](https://www.tensorflow.org/guide/function#controlling_retracing)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.wording import duration, number

TITLE = "A function is traced again and again"
REMEDIES: tuple[str, ...] = ()

#: From how many traces on TensorFlow warns. A function that makes variables is traced twice by design.
FEWEST_TRACES = 5


def check(facts: Facts) -> Iterator[Finding]:
    for traced in facts.scout.traced:
        took = traced.traces
        cost_s = took.total_s - took.first_s
        cost = Interval(low=cost_s, mid=cost_s, high=cost_s)
        if took.count < FEWEST_TRACES or not facts.worthwhile(cost):
            continue
        text = f"{traced.function.function}() was traced {number(took.count)} times, {duration(took.total_s / took.count)} each."
        yield Finding(
            cost_s=cost,
            measured=True,
            locations=locations(location(traced.site), location(traced.function)),
            evidence=(Evidence(text=text, value=float(took.count)),),
        )
