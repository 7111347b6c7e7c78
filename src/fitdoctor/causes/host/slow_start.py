"""Loading and preparing the data takes a large part of the run, before the first step.

## What it is
The script reads files, parses text, or loops over rows in Python, and training waits until all of it is done.

## Why it is slow
It is one thread of Python, before anything can overlap with it, and it is done again in each run, although the data has
not changed since the last one.

## How it is told
The time before the first `fit` or `predict` is recorded, and samples of the stack name the script's own lines in it.
Imports, and what Keras does to build a model, are left out: they are nobody's fault. The rest is a cause from 10 s and
a fifth of the whole run on.

## Example
```python
rows = []
for line in open("readings.csv"):
    rows.append([float(field) for field in line.split(",")])
x = np.array(rows)
model.fit(x, y)
```

## Use instead
```python
if os.path.exists("readings.npy"):
    x = np.load("readings.npy", mmap_mode="r")     # prepared once, kept
else:
    x = pd.read_csv("readings.csv", header=None).to_numpy("float32")
    np.save("readings.npy", x)
model.fit(x, y)
```

## Safety
Exact, as long as what is kept is made anew when the data changes. Nothing is tried from outside: only you know what the
lines depend on. Where the data needs no more than one pass, a `tf.data` pipeline prepares it while the model already
trains.

## Further reading
* [Better performance with the tf.data API](https://www.tensorflow.org/guide/data_performance)
* [numpy.load](https://numpy.org/doc/stable/reference/generated/numpy.load.html)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.wording import duration, percent

TITLE = "The script takes long before its first step"
REMEDIES: tuple[str, ...] = ()

#: A short run always is mostly start. What can be saved must be worth keeping files for it.
LEAST_S = 10.0
LEAST_SHARE = 0.20


def check(facts: Facts) -> Iterator[Finding]:
    lines = facts.scout.start_lines
    before_s = facts.part_s("start") + facts.imports_s
    # Imports of other packages than Keras are in the part "start" too, and are no line of the script's.
    share = max(facts.scout.start_lines_share, sum(line.share for line in lines))
    cost_s = min(share * before_s, facts.part_s("start"))
    if not lines or cost_s < LEAST_S or facts.share_of(cost_s) < LEAST_SHARE:
        return
    first = lines[0].site
    share = facts.share_of(cost_s)
    yield Finding(
        cost_s=Interval(low=cost_s, mid=cost_s, high=cost_s),
        measured=True,
        locations=locations(*(location(line.site) for line in lines)),
        evidence=(
            Evidence(
                text=f"Lines of the script take {duration(cost_s)} before its first step: {percent(share)} of the run.",
                value=share,
            ),
            Evidence(
                text=f"{duration(lines[0].share * before_s)} of it at {PurePath(first.file).name}:{first.line}: {first.code}",
                value=lines[0].share * before_s,
                unit="s",
            ),
        ),
    )
