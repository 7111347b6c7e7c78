"""A thread setting restricts TensorFlow to a part of the cores.

## What it is
`TF_NUM_INTRAOP_THREADS=1` or `OMP_NUM_THREADS=1` is set in the environment, or the script calls
`tf.config.threading.set_intra_op_parallelism_threads(1)` or the same for `inter_op`. Often the setting comes from a
recipe for reproducible results, or was made for another program.

## Why it is slow
An operation such as a matrix product is divided among as many threads as the setting allows. With one
thread, all cores but one are idle.

## How it is detected
The settings are read after TensorFlow has started, with the lines that made them. They are compared with the cores that
the process may use and with the limit of its container. Settings that leave at least half of the cores idle count.
TensorFlow reads them only once, so the cost is measured in separate processes that alternate between the setting and
the default.

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
Numerics: sums may be taken in another order, so the last digits may differ. If two runs of the script agree bit for
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
    # At best, the work spreads over all cores. At worst, threads are not the limit.
    most = 1 - min(setting.value for setting in settings) / usable_cores(facts)
    found = thread_finding(facts, settings, Interval(low=0.0, mid=most / 2, high=most))
    if found is not None:
        yield found
