"""A `DataLoader` of PyTorch gives the same batches with other workers, and the workers end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

SCRIPT = """\
import copy, multiprocessing, random, time, weakref
import keras, numpy as np, torch
import fitdoctor
from fitdoctor.changes.model import Place, SetArgument
from fitdoctor.probe.apply import torch_loaders
from fitdoctor.probe.observe import describe_loaders
from fitdoctor.probe.roles.treated_fit import TreatedFit


class Scans(torch.utils.data.Dataset):
    def __init__(self, noise=None, count=90):
        self.noise, self.count = noise or (lambda: 0.0), count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        time.sleep(0.0005)
        return np.full(4, index + self.noise(), "float32"), np.float32(index % 2)


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield from ((np.zeros(4, "float32"), np.float32(0)) for _ in range(64))


def loader(dataset=None, **more):
    return torch.utils.data.DataLoader(dataset or Scans(), batch_size=16, **{"shuffle": True, **more})


def workers(count, **more):
    settings = {"num_workers": count, **more}
    place = Place(file="", line=0)
    return [SetArgument(place=place, call="DataLoader", argument=name, value=value) for name, value in settings.items()]


def batches(made, epochs=2):
    torch.manual_seed(3)
    return [[part.numpy().tobytes() for part in batch] for _ in range(epochs) for batch in made]


def same(one, changes, epochs=2):
    return batches(one, epochs) == batches(torch_loaders.arranged(one, changes, steady=False), epochs)


def left():
    return len(multiprocessing.active_children())


generator = torch.Generator().manual_seed(5)
sampler = torch.utils.data.BatchSampler(torch.utils.data.RandomSampler(range(90), generator=generator), 8, True)
print("shuffled", same(loader(), workers(2)), same(loader(num_workers=2), workers(0)),
      same(loader(), workers(2, persistent_workers=True)))
print("in order", same(loader(shuffle=False), workers(2, persistent_workers=True)))
batched = torch.utils.data.DataLoader(Scans(), batch_sampler=sampler)
begin = torch_loaders.keep_random_state(batched)
plain = batches(batched, 1)
begin()
print("batch sampler", plain == batches(torch_loaders.arranged(batched, workers(2), steady=False), 1))
noises = (None, random.random, np.random.rand, lambda: torch.rand(1).item(), np.random.default_rng(0).random)
before = torch.get_rng_state()
draws = [torch_loaders.draws(loader(Scans(noise))) for noise in noises]
print("draws", *draws, torch.equal(before, torch.get_rng_state()))
print("random", same(loader(Scans(np.random.rand)), workers(2), 1))
own, started = loader(num_workers=2, persistent_workers=True), weakref.WeakSet()
one, other = (torch_loaders.arranged(own, [], steady=True, started=started) for _ in range(2))
turns = [iter(one), iter(other)]
print("apart", [len(list(turn)) for turn in turns], own._iterator, left())
del turns
torch_loaders.end(started)
print("ended", left(), torch_loaders.held(one))
described = describe_loaders.data_loader(loader(torch.utils.data.Subset(Scans(), range(64)), num_workers=2)).arguments
names = ("dataset", "shuffled", "num_workers", "prefetch_factor", "start_method")
print("described", *(described[name] for name in names))
print("stream", describe_loaders.data_loader(loader(Stream(), shuffle=None)).arguments["iterable"])

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
weights = model.get_weights()


def trained(fit):
    keras.utils.set_random_seed(1)
    model.compile("adam", "mse")
    model.set_weights(weights)
    fit()
    return model.get_weights()


def treated(data):
    import inspect

    parameters = inspect.signature(type(model).fit).parameters
    bound = {name: each.default for name, each in parameters.items() if name != "self"}
    fit = TreatedFit(model, {**bound, "x": data, "epochs": 2, "verbose": 0}, workers(2))
    arguments = fit.arguments()
    assert arguments["x"] is not data and arguments["x"].num_workers == 2
    model.fit(**arguments)
    fit.end()


for shuffle in (False, True):
    data = loader(shuffle=shuffle)
    plain = trained(lambda: model.fit(data, epochs=2, verbose=0))
    print("treated", all(np.array_equal(a, b) for a, b in zip(plain, trained(lambda: treated(data)))), left())

before = generator.get_state()
slow = loader(Scans(count=1600), shuffle=False, generator=generator)
report = fitdoctor.diagnose(model, slow, epochs=400, progress=False, budget_s=10.0, race_budget_s=0.0)
found = {cause.id: cause for cause in report.causes}
remedies = {remedy.id: remedy for remedy in found["idle-workers"].remedies}
print("diagnosed", report.verdict, *sorted(found), remedies["more-workers"].verified_safety, left(),
      torch.equal(before, generator.get_state()))
print("lines", sorted({(place.code or "").strip() for place in found["slow-generator"].locations}))
"""


def test_changed_workers_give_the_same_batches_and_end(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[:-1] == [
        "shuffled True True False",  # workers that are kept draw other orders from the second epoch on
        "in order True",
        "batch sampler True",
        "draws False True True True True True",
        "random False",
        "apart [6, 6] None 4",
        "ended 0 4",
        "described Scans True 2 2 fork",
        "stream True",
        "treated True 0",
        "treated False 0",  # Keras begins an iterator too many behind each epoch, for which workers draw an order
        "diagnosed causes idle-workers slow-generator exact 0 True",
    ]
    assert "time.sleep(0.0005)" in done.stdout.splitlines()[-1]
