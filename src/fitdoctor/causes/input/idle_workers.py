"""A `PyDataset` makes its batches one after another, or with few workers, while other cores have nothing to do.

## What it is
`fit` was given a `keras.utils.PyDataset` with `workers=1`, its default, or with fewer workers than there are cores, and
training waits for its batches.

## Why it is slow
One thread calls `__getitem__` for one batch after another. Reading files, decoding images and large NumPy operations let
go of the interpreter lock while they run, so several batches could be made at once; with one worker they are not.

## How it is told
The workers are read from the dataset when `fit` is called. What waiting for input costs is measured by a trial on
batches that are there already; other trials run the same steps with more threads. Code that holds on to the interpreter
lock gains nothing from threads, and the trial shows that. Processes would help there, and are named but not tried: they
are forked from a process in which TensorFlow runs already, which may hang.

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
```

## Safety
Exact: Keras hands the batches on in their order, and a trial compares them. `__getitem__` then runs in several threads
at once: what it shares between calls, such as an open file or a random generator, must bear that.

## Further reading
* [keras.utils.PyDataset](https://keras.io/api/utils/python_utils/#pydataset-class)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input_evidence import waiting
from fitdoctor.facts.places import locations
from fitdoctor.facts.wording import plural
from fitdoctor.facts.workers import workers_of

TITLE = "A PyDataset has fewer workers than there are cores"
REMEDIES = ("more-workers",)


def check(facts: Facts) -> Iterator[Finding]:
    cores = int(facts.scout.environment.get("cores", 1))
    for fit in facts.fits:
        workers = workers_of(fit.record)
        if workers is None or workers.processes or workers.count >= cores or not facts.input_matters(fit):
            continue
        cost, _ = facts.input_cost(fit)
        text = f"The {workers.data} has {plural(max(1, workers.count), 'worker')}; this machine has {plural(cores, 'core')}."
        function = fit.record.operations[0].function
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(
                location(workers.site, "workers", workers.count) if workers.site else None,
                location(function) if function else None,
                location(fit.record.site),
            ),
            evidence=(Evidence(text=text, value=workers.count), waiting(facts, fit)),
        )
