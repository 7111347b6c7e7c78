"""The data lies in a container that reads or converts every batch again.

## What it is
`fit` gets a sparse matrix. Or a `PyDataset`, or the dataset of a `DataLoader`, takes its rows from an HDF5 dataset, a
memory-mapped file or a DataFrame.

## Why it is slow
Rows of such a container are looked up, read from disk, decompressed or converted for each batch, in each epoch. Rows of
an array in memory are only copied.

## How it is detected
The types of `fit`'s arguments, and of the attributes of such a dataset, are recorded. Nothing is converted. A
DataFrame, an HDF5 dataset or a memory-mapped file that is passed to `fit` directly does not count: Keras converts it to
one array, once. A trial on input that is ready beforehand measures how long training waits for input. A wait below 5 %
of the whole training is ignored. Another trial converts the container once, before the training.

## Example
```python
class Rows(keras.utils.PyDataset):
    def __init__(self, file):
        super().__init__()
        self.x, self.y = file["x"], file["y"]  # h5py.Dataset: read from disk, batch by batch
```

## Use instead
```python
class Rows(keras.utils.PyDataset):
    def __init__(self, file):
        super().__init__()
        self.x, self.y = file["x"][:], file["y"][:]  # arrays, read once
```
If memory can't hold it, read whole chunks in order, and shuffle within them.

## Safety
Exact: the same numbers in another place. A trial compares the batches.

## Further reading
* [Chunked storage in h5py](https://docs.h5py.org/en/stable/high/dataset.html#chunked-storage)
* [Model training APIs](https://keras.io/api/models/model_training_apis/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.containers import slow_containers
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import sampled_locations

TITLE = "Batches are taken from a container that is slow to read"
REMEDIES = ("one-array",)


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        found = slow_containers(fit.record)
        if not found or not facts.input_matters(fit):
            continue
        waits, _ = facts.input_cost(fit)
        shown = ", ".join(f"{part.name} is a {part.container}" for part in found)
        functions = [location(step.function) for step in fit.record.operations if step.function is not None]
        yield Finding(
            fit=fit.index,
            # Part of the wait may be for other work. Only a trial shows it.
            cost_s=Interval(low=0.0, mid=waits.mid, high=waits.high),
            locations=locations(*sampled_locations(fit, "input"), location(fit.record.site), *functions),
            evidence=(Evidence(text=f"{shown}, which is read again for each batch."), wait_evidence(facts, fit)),
        )
