"""A `PyDataset` or `DataLoader` makes its batches one after another, or with few workers, while other cores have
nothing to do.

## What it is
`fit` was given a `keras.utils.PyDataset` with `workers=1`, its default, or with fewer workers than there are cores, and
training waits for its batches. The same of a `torch.utils.data.DataLoader` with `num_workers=0`, its default, and of an
input of Grain without processes.

## Why it is slow
One thread calls `__getitem__` for one batch after another. Reading files, decoding images and large NumPy operations
let go of the interpreter lock while they run, so several batches could be made at once; with one worker they are not. A
`DataLoader` without workers makes each batch in the training loop itself, which computes nothing meanwhile.

## How it is told
The workers are read from the dataset when `fit` is called. What waiting for input costs is measured by a trial on
batches that are there already; other trials run the same steps with more threads. Code that holds on to the interpreter
lock gains nothing from threads, and the trial shows that. Processes would help there, and are named but not tried: they
are forked from a process in which TensorFlow runs already, which may hang. The workers of a `DataLoader` are processes,
and are tried on PyTorch. Not tried are those of an `IterableDataset`, of which each worker gives every sample unless it
takes its share by itself, those that would share an open HDF5 file, and those of Grain.

## Example
```python
class Scans(keras.utils.PyDataset):
    def __len__(self):
        return len(files) // 32

    def __getitem__(self, index):
        return np.stack([read(file) for file in files[index * 32 : (index + 1) * 32]]), labels[index * 32 : (index + 1) * 32]

model.fit(Scans(), epochs=20)
```

## Use instead
```python
class Scans(keras.utils.PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)  # takes the workers

model.fit(Scans(workers=4, max_queue_size=16), epochs=20)

loader = torch.utils.data.DataLoader(samples, batch_size=32, num_workers=4, persistent_workers=True)
model.fit(loader, epochs=20)
```

## Safety
Exact: Keras hands the batches on in their order, and a trial compares them. `__getitem__` then runs in several threads
at once: what it shares between calls, such as an open file or a random generator, must bear that.

A `DataLoader` hands its batches on in their order too. But each worker draws random numbers of its own, so samples that
are augmented at random are others. And a shuffle takes other orders from the second epoch on, as more numbers are drawn
from its generator. Either is another training, as with another seed, and said so.

## Further reading
* [keras.utils.PyDataset](https://keras.io/api/utils/python_utils/#pydataset-class)
* [torch.utils.data](https://docs.pytorch.org/docs/stable/data.html#multi-process-data-loading)
* [Grain](https://google-grain.readthedocs.io/en/latest/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.input.workers import Workers, workers_of
from fitdoctor.facts.locations import locations
from fitdoctor.wording import plural

TITLE = "The input has fewer workers than there are cores"
REMEDIES = ("more-workers",)


def check(facts: Facts) -> Iterator[Finding]:
    cores = int(facts.scout.environment.get("cores", 1))
    for fit in facts.fits:
        workers = workers_of(fit.record)
        if workers is None or workers.count >= cores or not facts.input_matters(fit):
            continue
        if workers.processes and workers.call in ("PyDataset", "Model.fit"):
            continue
        cost, _ = facts.input_cost(fit)
        function = fit.record.operations[0].function
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(
                location(workers.site, workers.argument, workers.count) if workers.site else None,
                location(function) if function else None,
                location(fit.record.site),
            ),
            evidence=(
                Evidence(text=f"{_shown(workers)}; this machine has {plural(cores, 'core')}.", value=workers.count),
                wait_evidence(facts, fit),
            ),
        )


def _shown(workers: Workers) -> str:
    """How many there are, and of what kind where they are processes."""
    if workers.call in ("PyDataset", "Model.fit"):
        return f"The {workers.data} has {plural(max(1, workers.count), 'worker')}"
    if workers.count:
        return f"The {workers.data} has {plural(workers.count, 'worker process', 'worker processes')}"
    return f"The {workers.data} has no worker processes: its batches are made in the process that trains"
