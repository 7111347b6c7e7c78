"""Loading and preparing the data takes a large part of the run.

## What it is
Before the first step, the script reads files, parses text, or loops over rows in Python. Training waits until all of it
is done.

## Why it is slow
One thread of Python does it, and nothing overlaps with it. It is done again in each run, although the data has not
changed.

## How it is detected
The time before the first `fit` or `predict` is measured, and samples of the stack name the script's own lines in it.
Imports are left out, and so is the time in which Keras builds a model. The rest is reported from 10 s and a fifth of
the whole run on.

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
Exact, as long as the kept data is made again when its source changes. There is no trial: only you know what the lines
depend on. If the data needs only one pass, a `tf.data` pipeline can prepare it while the model already trains.

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

# A short run is always mostly start. The saving must be worth keeping files for it.
LEAST_S = 10.0
LEAST_SHARE = 0.20


def check(facts: Facts) -> Iterator[Finding]:
    lines = facts.scout.start_lines
    before_s = facts.part_s("start") + facts.imports_s
    # The part "start" also holds the imports of other packages than Keras, which are no lines of the script's.
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
                text=f"{duration(lines[0].share * before_s)} of it at {PurePath(first.file).name}:{first.line}: "
                f"{first.code}",
                value=lines[0].share * before_s,
                unit="s",
            ),
        ),
    )
