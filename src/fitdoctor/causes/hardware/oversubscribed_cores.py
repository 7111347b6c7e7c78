"""A thread setting starts far more threads than there are cores.

## What it is
`TF_NUM_INTRAOP_THREADS`, `OMP_NUM_THREADS` or `tf.config.threading` sets several times as many threads as the process
may use cores. Often the number was right on another machine, or the script runs in a container with a lower limit.

## Why it is slow
Each operation is divided among all threads. The threads take turns on the cores, and the operation ends with the last
of them. They also push each other's data out of the caches.

## How it is detected
The settings are read after TensorFlow has started, with the lines that made them. They are compared with the cores that
the process may use and with the limit of its container. They count from four threads a core on. TensorFlow reads them
only once, so the cost is measured in separate processes that alternate between the setting and the default.

## Example
```python
tf.config.threading.set_intra_op_parallelism_threads(64)  # on 4 cores
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
from dataclasses import replace

from fitdoctor.causes.base import Evidence, Finding, Interval
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.system_windows import fit_window
from fitdoctor.facts.thread_settings import thread_finding, too_many

TITLE = "A thread setting starts more threads than there are cores"
REMEDIES = ("default-threads",)

# Estimated shares of a step until a trial measures them: most operations hardly suffer, small ones take twice as long.
SHARES = Interval(low=0.0, mid=0.1, high=0.5)
# A machine with enough cores has fewer waiting threads than this on average.
SHOWN_THREADS = 0.5


def check(facts: Facts) -> Iterator[Finding]:
    found = thread_finding(facts, too_many(facts), SHARES)
    if found is None:
        return
    seen = fit_window(facts.scout, found.fit) if found.fit is not None else None
    if seen is not None and seen.waiting_threads is not None and seen.waiting_threads >= SHOWN_THREADS:
        text = f"On average {seen.waiting_threads:.1f} threads were ready to run and waited for a core."
        found = replace(found, evidence=(*found.evidence, Evidence(text=text, value=seen.waiting_threads)))
    yield found
