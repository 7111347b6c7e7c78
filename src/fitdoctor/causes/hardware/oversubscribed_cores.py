"""A setting of threads starts far more of them than there are cores.

## What it is
`TF_NUM_INTRAOP_THREADS`, `OMP_NUM_THREADS` or `tf.config.threading` with several times as many threads as the process
may use cores: often a number that was right on another machine, or in a container whose limit is lower than the
machine.

## Why it is slow
Each operation is divided into as many pieces. Their threads take turns on the cores, and the operation is done when the
last of them was at its turn. What they hold in caches is pushed out by the others.

## How it is told
The settings are read when TensorFlow has started, with the line that made them, and held against the cores that the
process may use and the time that its container grants. From four threads a core on they count. What they cost is
settled by processes of their own, with and without the setting in turns, because TensorFlow reads it only once.

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
Numerics: sums may be taken in another order, so the last digits may differ. Where two runs of the script agree bit for
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

#: Shares of a step that are taken for possible until a trial tells: most operations hardly suffer, small ones take
#: twice as long.
SHARES = Interval(low=0.0, mid=0.1, high=0.5)
#: Half a thread that waits at any time is more than a machine with enough cores shows.
SHOWN_THREADS = 0.5


def check(facts: Facts) -> Iterator[Finding]:
    found = thread_finding(facts, too_many(facts), SHARES)
    if found is None:
        return
    seen = fit_window(facts.scout, found.fit) if found.fit is not None else None
    if seen is not None and seen.waiting_threads is not None and seen.waiting_threads >= SHOWN_THREADS:
        text = f"On average {seen.waiting_threads:.1f} of its threads were ready to run and waited for a core."
        found = replace(found, evidence=(*found.evidence, Evidence(text=text, value=seen.waiting_threads)))
    yield found
