"""A `PyDataset` or `DataLoader` has fewer workers than there are cores.

## What it is
`fit` gets a `keras.utils.PyDataset` with `workers=1` (the default) or with fewer workers than there are cores, and
training waits for its batches. The same holds for a `torch.utils.data.DataLoader` with `num_workers=0` (the default),
and for an input of Grain without processes.

## Why it is slow
One thread calls `__getitem__` for one batch after another. Reading files, decoding images and large NumPy operations
release the interpreter lock, so several batches could be made at once. With one worker they are not. A `DataLoader`
without workers makes each batch in the training loop itself, which computes nothing meanwhile.

## How it is detected
The number of workers is read from the dataset when `fit` is called. A trial on batches that are ready beforehand
measures how long training waits for input. Other trials run the same steps with more threads. Code that holds the
interpreter lock gains nothing from threads, and the trial shows it.

Processes would help such code. They are suggested for a `PyDataset` but not tried: they are forked from a process in
which TensorFlow already runs, and may hang. The workers of a `DataLoader` are processes and are tried on PyTorch. Three
kinds are not tried: the workers of an `IterableDataset` (each may return every sample), workers that would share an
open HDF5 file, and those of Grain.

## Example
```python
class Scans(keras.utils.PyDataset):
    def __len__(self):
        return len(files) // 32

    def __getitem__(self, index):
        batch = slice(index * 32, (index + 1) * 32)
        return np.stack([read(file) for file in files[batch]]), labels[batch]

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
Exact: Keras returns the batches in order, and a trial compares them. `__getitem__` then runs in several threads at
once. Objects that its calls share, such as an open file or a random generator, must be safe for threads.

A `DataLoader` returns its batches in order too. But each worker draws its own random numbers, so random augmentations
differ. A shuffle uses other orders from the second epoch on, because more numbers are drawn from its generator. Either
is another training, as with another seed, and the report says so.

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
    """The number of workers in words."""
    if workers.call in ("PyDataset", "Model.fit"):
        return f"The {workers.data} has {plural(max(1, workers.count), 'worker')}"
    if workers.count:
        return f"The {workers.data} has {plural(workers.count, 'worker process', 'worker processes')}"
    return f"The {workers.data} has no worker processes: the training process makes its batches"
