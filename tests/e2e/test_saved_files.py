"""Files that frameworks save in C and C++ go to the scratch folder, and are read from there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.projects import Project

pytestmark = pytest.mark.e2e

TENSORFLOW = """\
import os, sys
import tensorflow as tf

value = float(sys.argv[1])


def model(value):
    made = tf.Module()
    made.v = tf.Variable(value)
    return made


def checkpoint():
    saved = tf.train.Checkpoint(v=tf.Variable(value))
    path = saved.save("ckpt/one")
    saved.write("ckpt/written")
    for prefix in (path, "ckpt/written"):
        again = tf.train.Checkpoint(v=tf.Variable(0.0))
        again.restore(prefix)
        assert again.v.numpy() == value, prefix
    assert tf.train.latest_checkpoint("ckpt") == path
    assert tf.train.load_checkpoint("ckpt/written").has_tensor("v/.ATTRIBUTES/VARIABLE_VALUE")


def manager():
    saved = tf.train.Checkpoint(v=tf.Variable(0.0))
    kept = tf.train.CheckpointManager(saved, folder, max_to_keep=2)
    restored = kept.restore_or_initialize()
    assert value == 1 or restored and saved.v.numpy() == 3.0, (restored, saved.v.numpy())
    for number in range(1, 4):
        saved.v.assign(float(number))
        kept.save()
    assert len(kept.checkpoints) == 2


def saved_model():
    tf.saved_model.save(model(value), "exported")
    assert tf.saved_model.load("exported").v.numpy() == value


def files():
    gfile = tf.io.gfile
    with gfile.GFile("g.txt", "w") as file:
        file.write(str(value))
    with gfile.GFile("g.txt") as file:
        assert file.read() == str(value)
    with gfile.GFile("log.txt", "a") as file:
        file.write("more")
    with open("log.txt") as file:
        assert file.read().endswith("more")
    tf.io.write_file("w.txt", str(value))
    gfile.copy("g.txt", "copied.txt", overwrite=True)
    gfile.makedirs("made/by/gfile")
    gfile.rename("copied.txt", "renamed.txt", overwrite=True)
    assert not gfile.exists("copied.txt") and gfile.exists("renamed.txt")
    if value == 1:
        with gfile.GFile("old.txt", "w") as file:
            file.write("old")
    gfile.remove("old.txt")
    assert not gfile.exists("old.txt")
    with gfile.GFile("old.txt", "w") as file:
        file.write("old")


def records():
    with tf.io.TFRecordWriter("data.tfrecord") as file:
        file.write(b"x")
    with tf.io.TFRecordWriter(f"new-{value}.tfrecord") as file:
        file.write(b"x")
    assert len(list(tf.data.TFRecordDataset(f"new-{value}.tfrecord"))) == 1


def pipelines():
    data = tf.data.Dataset.range(3)
    assert len(list(data.cache("cache"))) == 3
    next(iter(data.cache("cut")))
    data.save("saved")
    assert len(list(tf.data.Dataset.load("saved"))) == 3


def summaries():
    with tf.summary.create_file_writer("logs").as_default():
        tf.summary.scalar("a", value, step=1)


def keras_models():
    kernel = tf.keras.initializers.Constant(value)
    made = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1, kernel_initializer=kernel)])
    import keras._tf_keras.keras.models as theirs
    from keras.src.saving import saving_api

    for save, load, name in (
        (tf.keras.models.save_model, tf.keras.models.load_model, "a.keras"),
        (theirs.save_model, theirs.load_model, "b.h5"),
        (saving_api.save_model, theirs.load_model, "c.keras"),
        (lambda model, path: model.save(path), tf.keras.models.load_model, "d.h5"),
    ):
        save(made, name)
        assert load(name, compile=False).get_weights()[0] == value
    made.export("exported-keras")


for each in (checkpoint, saved_model, files, records, pipelines, summaries, keras_models):
    each()
for folder in ("managed", os.path.abspath("managed-too")):
    manager()
print("went on")
"""
TORCH = """\
import os, sys
import torch

value = float(sys.argv[1])
tensor = torch.tensor([value])


class Twice(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(tensor)

    def forward(self, x):
        return self.w * x


torch.save({"w": tensor}, "best.pt")
assert torch.load("best.pt")["w"] == tensor and os.path.exists("best.pt")
torch.save({"w": tensor}, "new.tmp")
os.replace("new.tmp", "swapped.pt")
assert torch.load("swapped.pt")["w"] == tensor
with open("opened.pt", "wb") as file:
    torch.save(tensor, file)
assert torch.load("opened.pt") == tensor
scripted = torch.jit.script(Twice())
torch.jit.save(scripted, "jit.pt")
assert torch.jit.load("jit.pt").w == tensor
scripted.save("method.pt")
assert torch.jit.load("method.pt").w == tensor
torch.export.save(torch.export.export(Twice(), (tensor,)), "exported.pt2")
assert torch.export.load("exported.pt2").state_dict["w"] == tensor
if value == 2:
    os.remove("best.pt")
    assert not os.path.exists("best.pt")
print("went on")
"""
HDF5 = """\
import sys
import h5py

value = float(sys.argv[1])
for mode in ("w", "a", "r+", "a"):
    with h5py.File("features.h5", mode) as file:
        if "x" in file:
            del file["x"]
        file["x"] = [value]
with h5py.File("features.h5") as file:
    assert file["x"][0] == value
with h5py.File("log.h5", "a") as file:
    file[f"run-{value}"] = value
    assert len(file) == value
with h5py.File("log.h5", "r") as file:
    assert len(file) == value
with h5py.File(f"new-{value}.h5", "x") as file:
    file["x"] = 1
print("went on")
"""
SCRIPTS = {"tensorflow": TENSORFLOW, "torch": TORCH, "hdf5": HDF5}


def contents(folder: Path) -> dict[str, tuple[int, int, str]]:
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        if path.is_file() and path.name != "train.py":
            found[str(path.relative_to(folder))] = (status.st_ino, status.st_mtime_ns, path.read_bytes().hex())
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", SCRIPTS)
def test_existing_files_stay_and_the_script_reads_its_new_ones(user: Project, name: str) -> None:
    user.write(train=SCRIPTS[name])
    plain = user.python("train.py", "1")
    assert plain.stdout.endswith("went on\n"), plain.stderr
    before = contents(user.folder)
    done = user.launch("train.py", "2")
    assert done.stdout.endswith("went on\n"), done.stderr[-3000:] + str(user.record().ending)
    after = contents(user.folder)
    assert {path: found for path, found in after.items() if path in before} == before
    assert {path for path in after if path not in before} <= {"new-2.0.tfrecord"}  # C++ code reads it at its real path


REMOTE = """\
import tensorflow as tf
with tf.io.gfile.GFile("gs://bucket/log.txt", "w") as file:
    file.write("x")
with tf.io.gfile.GFile("gs://bucket/log.txt") as file:
    assert file.read() == "x"
saved = tf.train.Checkpoint(v=tf.Variable(2.0))
saved.restore(saved.save("s3://bucket/ckpt"))
with open("here.txt", "w") as file:
    file.write("x")
saved.write("here/ckpt")
print("went on", flush=True)
tf.io.gfile.rmtree("gs://bucket/other")
print("and on")
"""


@pytest.mark.long
def test_remote_addresses_are_never_written_to(user: Project) -> None:
    user.write(train=REMOTE)
    done = user.launch("train.py", isolated=True)
    assert done.stdout == "went on\n", done.stderr[-3000:]
    assert user.record().ending.how == "blocked-write"
    assert user.record().ending.message == "gs://bucket/other"
    assert (user.folder / "here.txt").exists()
    assert (user.folder / "here" / "ckpt.index").exists()
    assert set(os.listdir(user.ours / "scratch")) == {"gs", "s3"}
