"""A `map` stands before `batch`, so its function is called once for every sample.

## What it is
The pipeline maps a function over single samples and makes batches afterwards.

## Why it is slow
Each call of a mapped function has a fixed cost: scheduling, tensors to allocate, small operations to launch. For cheap
work on a sample (casting, scaling, slicing, one-hot) that fixed cost is most of it. After `batch` the same function
runs once for 32 or 256 samples.

## How it is detected
The pipeline's construction is recorded call by call. A `map` counts if only other maps, or stages that do not look into
elements (`shuffle`, `repeat`, …), stand between it and the next `batch`. A trial on input that is ready beforehand
measures how long training waits for input. A wait below 5 % of the whole training is ignored. Two more trials swap
`map` and `batch`: one as written, one with `tf.vectorized_map`.

## Example
```python
dataset = dataset.map(scale).batch(128)
```

## Use instead
```python
dataset = dataset.batch(128).map(scale)
# or, if the function works on a single sample only (it slices or reshapes it):
dataset = dataset.batch(128).map(lambda *rows: tf.vectorized_map(lambda row: scale(*row), rows))
```

## Safety
Exact if the function returns the same for a batch as for its samples one by one, and draws no random numbers. A trial
compares the batches first. A swap that changes them is refuted without timing it.

## Further reading
* [Vectorizing mapping](https://www.tensorflow.org/guide/data_performance#vectorizing_mapping)
* [tf.vectorized_map](https://www.tensorflow.org/api_docs/python/tf/vectorized_map)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.pipeline import maps_before_batch
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations

TITLE = "The pipeline maps single samples instead of batches"
REMEDIES = ("batched-map",)


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        if fit.record.input_kind != "tf.data" or not facts.input_matters(fit):
            continue
        cost, measured = facts.input_cost(fit)
        for found in maps_before_batch(fit.record):
            size = fit.record.batch_size
            often = f"{size} times a batch" if size else "once a sample"
            yield Finding(
                fit=fit.index,
                cost_s=cost,
                measured=measured,
                locations=locations(
                    *(location(step.site) for step in found.maps if step.site),
                    *(location(step.function) for step in found.maps if step.function),
                ),
                evidence=(
                    Evidence(text=f"The mapped function is called {often}, before batch()."),
                    wait_evidence(facts, fit),
                ),
                data={"batch": found.batch.position},
            )
