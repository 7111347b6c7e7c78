"""Each epoch begins by filling a large shuffle buffer.

## What it is
The pipeline has a `shuffle(buffer_size)` with a large buffer and costly elements. Training waits for the buffer at the
start of each epoch.

## Why it is slow
`shuffle` draws from its buffer only once the buffer is full. Until then nothing reaches the model: elements are read,
decoded and held in memory while the device waits.

## How it is detected
The first step of each later epoch is timed separately. If these steps take less than 5 % of the whole training, nothing
is reported. A trial times whole epochs with a smaller buffer: work that only moves from the start of an epoch into its
steps saves nothing. If an epoch is too long to repeat, there is no trial.

## Example
```python
dataset = dataset.map(decode).shuffle(50_000).batch(64)
```

## Use instead
```python
dataset = dataset.map(decode).shuffle(5_000).batch(64)
```
Or shuffle small elements: file names, indices, rows before they are decoded. Then the buffer may hold all of them.

## Safety
Semantics: samples are mixed less thoroughly. If the data is sorted by class, keep the buffer and shuffle before the
costly work instead.

## Further reading
* [tf.data.Dataset.shuffle](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#shuffle)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.shuffles import buffer_bytes, large_shuffles
from fitdoctor.facts.input.stalls import stall_cost, stall_evidence
from fitdoctor.facts.locations import locations
from fitdoctor.wording import number

TITLE = "Each epoch begins by filling the shuffle buffer"
REMEDIES = ("smaller-shuffle",)


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        cost = stall_cost(fit)
        if fit.record.input_kind != "tf.data" or not facts.worthwhile(cost):
            continue
        for step, size in large_shuffles(fit.record):
            bytes_held = buffer_bytes(step, size)
            size_text = f", {number(bytes_held / 1e6)} MB" if bytes_held else ""
            text = f"shuffle() holds {number(size)} elements{size_text}, and returns none before it is full."
            yield Finding(
                fit=fit.index,
                # The wait was timed. Only a trial shows how much of it is for this buffer.
                cost_s=Interval(low=0.0, mid=cost.mid, high=cost.high),
                locations=locations(location(step.site) if step.site else None, location(fit.record.site)),
                evidence=(Evidence(text=text, value=float(size), unit="elements"), stall_evidence(fit)),
                data={"position": step.position},
            )
