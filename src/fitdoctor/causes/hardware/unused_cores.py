"""A setting of threads keeps TensorFlow on a part of the cores.

## What it is
`TF_NUM_INTRAOP_THREADS=1` or `OMP_NUM_THREADS=1` in the environment,
`tf.config.threading.set_intra_op_parallelism_threads(1)` or its sister for `inter_op` in the script: often copied from
a recipe for reproducible results, or set for another program.

## Why it is slow
An operation such as a matrix product is divided among as many threads as the setting allows. With one of them, all
cores but one wait, whatever the model.

## How it is told
The settings are read when TensorFlow has started, with the line that made them, and held against the cores that the
process may use and the time that its container grants. Settings that leave at least half of the cores idle count. What
they cost is settled by processes of their own, with and without the setting in turns, because TensorFlow reads it only
once.

## Example
```python
tf.config.threading.set_intra_op_parallelism_threads(1)
model.fit(x, y, epochs=50)
```

## Use instead
```python
model.fit(x, y, epochs=50)
```

## Safety
Numerics: sums may be taken in another order, so the last digits may differ. Where two runs of the script agree bit for
bit, the weights after some steps are compared.

## Further reading
* [tf.config.threading](https://www.tensorflow.org/api_docs/python/tf/config/threading)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Finding, Interval
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.thread_settings import thread_finding, too_few, usable_cores

TITLE = "A thread setting leaves cores idle"
REMEDIES = ("default-threads",)


def check(facts: Facts) -> Iterator[Finding]:
    settings = too_few(facts)
    if not settings:
        return
    # At best, what runs on some of the cores runs on all of them; at worst, the threads are not what it waits for.
    most = 1 - min(setting.value for setting in settings) / usable_cores(facts)
    found = thread_finding(facts, settings, Interval(low=0.0, mid=most / 2, high=most))
    if found is not None:
        yield found
