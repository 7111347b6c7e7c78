"""The memory of the process grows as long as the training runs.

## What it is
The memory of the process grows from epoch to epoch, or from fit to fit, and does not level out.

## Why it is slow
It costs no time until the memory is full. Then the machine swaps, or the system ends the training.

## How it is detected
Only a long run shows it: `fitdoctor watch` records the memory of the process after each epoch. The first epoch is left
out, because caches, shuffle buffers and allocators fill up in it. The first quarter of the rest is left out too. The
remaining figures must grow in all quarters, more than by chance, by at least a tenth and by at least 64 MB.

## Example
```python
for fold in range(50):
    model = build()  # the graphs of all earlier models stay in memory
    model.fit(x[fold], y[fold], epochs=2)
```

## Use instead
```python
for fold in range(50):
    keras.backend.clear_session()
    model = build()
    model.fit(x[fold], y[fold], epochs=2)
```

## Safety
This is information: there is no time to save while there is memory, so nothing is tried. Releasing memory that is no
longer needed changes no numbers.

## Further reading
* [clear_session](https://keras.io/api/utils/config_utils/#clear_session-function)
* [tracemalloc](https://docs.python.org/3/library/tracemalloc.html), which names the lines that allocate
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.learning.trend import Growth, growth
from fitdoctor.facts.locations import locations
from fitdoctor.recording.model import EpochRow, Fit
from fitdoctor.wording import plural, size

TITLE = "Memory grows as long as the training runs"
REMEDIES = ()

# Allocators keep and return some tens of megabytes at any time.
LEAST_BYTES = 64e6
LEAST_RATIO = 1.10
# The share of the epochs after the first one that is left out at the begin.
SETTLING_SHARE = 0.25


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        if fit.seen is None:
            continue
        rows = _settled(fit.seen)
        found = growth([float(row.memory_bytes) for row in rows])
        if found is None or found.last - found.first < LEAST_BYTES or found.ratio < LEAST_RATIO:
            continue
        yield Finding(
            fit=fit.index,
            cost_s=Interval(low=0.0, mid=0.0, high=0.0),
            informative=True,
            locations=locations(location(fit.record.site)),
            evidence=tuple(_evidence(facts, fit.seen, rows, found)),
        )


def _settled(seen: Fit) -> list[EpochRow]:
    """One row for each epoch, or for each call if there are many, without the first ones, in which buffers fill up."""
    calls = {row.call: row for row in seen.curve}
    rows = list(calls.values()) if seen.calls_run >= len(seen.curve) / 2 else seen.curve
    return [row for row in rows[1 + round(len(rows) * SETTLING_SHARE) :] if row.memory_bytes]


def _evidence(facts: Facts, seen: Fit, rows: Sequence[EpochRow], found: Growth) -> Iterator[Evidence]:
    by_call = rows[0].call != rows[-1].call
    span = rows[-1].call - rows[0].call if by_call else rows[-1].number - rows[0].number
    # Three quarters of all rows lie between the middle of the first quarter and the middle of the last.
    each = (found.last - found.first) / max(1.0, 0.75 * span)
    unit = "fit" if by_call else "epoch"
    yield Evidence(
        text=f"The process held {size(found.first)}, and later {size(found.last)}: about {size(each)} more with each "
        f"{unit}.",
        value=each,
        unit="B",
    )
    memory, whose = facts.scout.environment.get("memory_bytes"), "of this machine"
    limit = facts.scout.system.memory_limit_bytes if facts.scout.system is not None else None
    if limit is not None and (not isinstance(memory, int) or limit < memory):
        memory, whose = limit, "that its container may use"
    if isinstance(memory, int) and memory > found.last and each > 0:
        left = int((memory - found.last) / each)
        yield Evidence(text=f"The {size(memory)} {whose} will be full after {plural(left, unit)} more.", value=left)
    if seen.models > 1:
        yield Evidence(
            text=f"{plural(seen.models, 'model')} were fitted here: each has its own graph.", value=seen.models
        )
    elif seen.traces.count > seen.calls_run + 1:
        yield Evidence(
            text=f"{plural(seen.traces.count, 'function')} were traced while fit ran.", value=seen.traces.count
        )
