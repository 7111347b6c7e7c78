"""Runs the matrix of cases in one process: each runs twice alone and, with the probe installed, once watched."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.harmless import cover, inputs, models
from bench.harmless.cover import Case

DIMENSIONS = {
    "input": inputs.KINDS,
    "model": models.KINDS,
    "validation": ("none", "split", "numpy", "tf.data", "pydataset-threads", "dataloader", "grain"),
    "weights": ("none", "sample", "class"),
    "steps": ("whole", "given"),
    "callbacks": ("none", "checkpoint", "csv", "early", "lambda", "own", "async-safe"),
    "verbose": ("0", "1", "2"),
}
SHOWN = 300

# Two plain runs may agree by chance, because threads of Keras race only rarely. So if the watched run differs, the case
# runs so many more times alone.
CONTROLS = 12

BACKENDS = ("tensorflow", "jax", "torch", "tf_keras")
COLORS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# Parts of a saved model that differ each time: the date, and the addresses of objects in memory.
UNSTABLE = re.compile(rb'"(date_saved|shared_object_id)": ("[^"]*"|\d+)')

TIMES = re.compile(r"\d+(\.\d+)?\s?(us|ms|s|m|min|h)(/step|/epoch)?\b|\d+:\d\d(:\d\d)?")


def cases(backend: str) -> list[Case]:
    """Returns the covering set for one backend."""
    return cover.pairwise(DIMENSIONS, lambda case: _goes(case, backend))


def _goes(case: Case, backend: str) -> bool:
    """Returns whether Keras takes the values of a case together."""
    feed, model, validation, weights, steps = (
        case.get(name) for name in ("input", "model", "validation", "weights", "steps")
    )
    forbidden = (
        validation == "split" and feed is not None and feed not in inputs.ARRAYS,
        weights in ("sample", "class") and feed in inputs.SEVERAL,
        weights == "class" and feed in ("lists", "generator", "dataloader", "grain"),
        backend == "jax" and model == "train-step" and feed in inputs.SEVERAL,
        validation not in (None, "none", "split", "numpy") and feed in inputs.SEVERAL,
        feed in inputs.ENDLESS and steps == "whole",
        model == "subclassed" and feed in inputs.SEVERAL,
        model == "loop" and (feed not in (None, "numpy", *inputs.SEVERAL) or validation not in (None, "none")),
        model == "loop"
        and (steps == "given" or case.get("callbacks", "none") != "none" or case.get("verbose", "0") != "0"),
        backend == "tf_keras"
        and ({feed, validation} & {"dataloader", "grain"} or case.get("callbacks") == "async-safe"),
    )
    return not any(forbidden)


def measure(backend: str, chosen: list[Case], add: Any) -> None:
    """Runs the cases and passes each result to `add`."""
    keras, spy = _begun(backend)
    plain = [(_run(keras, backend, case, spy), _run(keras, backend, case, spy)) for case in chosen]
    probe = _Probe()
    for case, (first, second) in zip(chosen, plain, strict=True):
        probe.begin()
        third = _run(keras, backend, case, spy)
        add({"case": case, **compared(first, second, third), "unseen": probe.unseen(case)})


def compared(first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]) -> dict[str, Any]:
    """Lists where two plain runs agree, where they differ, and where only the watched run differs."""
    names = list(dict.fromkeys((*first, *second)))  # a run that fails has fewer of them
    agree = [name for name in names if first.get(name) == second.get(name)]
    changed = [name for name in agree if first.get(name) != third.get(name)]
    return {
        "agree": agree,
        "disagree": [name for name in names if name not in agree],
        "changed": {name: _difference(first.get(name), third.get(name)) for name in changed},
        "watched": {name: _digest(third.get(name)) for name in changed},
        "failed": first.get("error", ""),
    }


def controlled(backend: str, row: dict[str, Any]) -> dict[str, Any]:
    """Repeats a case whose watched run differed, alone. A result that also appears then is not caused by fitdoctor."""
    keras, spy = _begun(backend)
    runs = [_run(keras, backend, row["case"], spy) for _ in range(CONTROLS)]
    alone = [name for name in row["changed"] if row["watched"][name] in {_digest(run.get(name)) for run in runs}]
    return {
        **row,
        "agree": [name for name in row["agree"] if name not in alone],
        "disagree": [*row["disagree"], *alone],
        "changed": {name: value for name, value in row["changed"].items() if name not in alone},
        "controls": CONTROLS,
    }


def _digest(value: Any) -> str:
    return hashlib.md5(repr(value).encode()).hexdigest()


def _difference(plain: Any, watched: Any) -> list[str]:
    """Returns the lines that only one of them has."""
    lines = difflib.ndiff(*(str(value).replace("}, ", "},\n").splitlines() for value in (plain, watched)))
    return [line[:SHOWN] for line in lines if line[0] in "+-"][:10]


def _begun(backend: str) -> tuple[Any, _Spy]:
    keras = importlib.import_module("tf_keras" if backend == "tf_keras" else "keras")
    if "tensorflow" in sys.modules:  # it warns of functions that are traced again, counted over all cases
        sys.modules["tensorflow"].get_logger().setLevel("ERROR")
    return keras, _Spy(backend)


class _Probe:
    """Installs the probe of `fitdoctor watch`, with a record of its own for each case."""

    def __init__(self) -> None:
        from fitdoctor.probe.roles import start

        self.to: Any = None
        start.Probe._make_role = lambda _: self  # type: ignore[method-assign,assignment,return-value]
        self.begin()
        spec = {
            "role": "watch",
            "mode": "script",
            "target": "train.py",
            "out": os.devnull,
            "spawned_s": time.monotonic(),
        }
        start.start(spec)
        self.refused = list(self.to.record.limits)

    def begin(self) -> None:
        from fitdoctor.probe.roles.watch import WatchRole
        from fitdoctor.probe.timing.time_ledger import Ledger
        from fitdoctor.recording.model import ProcessRecord

        self.to = WatchRole(ProcessRecord(), Ledger("start", started_s=time.monotonic()), lambda: None)

    def __getattr__(self, name: str) -> Any:
        if not callable(getattr(self.to, name)):
            return getattr(self.to, name)

        def handed_on(*arguments: Any, **keywords: Any) -> Any:
            return getattr(self.to, name)(*arguments, **keywords)

        return handed_on

    def unseen(self, case: Case) -> str:
        """Returns what the probe failed to record of a case."""
        if self.refused:
            return self.refused[0]
        scout = self.to.record
        if scout.limits or not self.to.recording:
            return " ".join(scout.limits) or "it stopped looking"
        if case["model"] == "loop":
            calls = sum(loop.calls for loop in scout.loops)
            return "" if calls == inputs.STEPS + 2 else f"{calls} calls were recorded"
        if len(scout.fits) != 1 or scout.fits[0].declined:
            return f"{len(scout.fits)} fits were described, {[fit.declined for fit in scout.fits]}"
        steps = scout.fits[0].first_step.count + scout.fits[0].epoch_first_step.count + scout.fits[0].step.count
        return "" if steps >= 2 else f"{steps} steps were recorded"


class _Spy:
    """Counts waits for the device, and collects whether Keras' callbacks ran asynchronously."""

    def __init__(self, backend: str) -> None:
        self.lists: list[Any] = []
        self.waits = 0
        if backend == "tf_keras":
            return
        from keras.src.callbacks.callback_list import CallbackList

        made, original = self.lists, CallbackList.__init__

        def init(callbacks: Any, *arguments: Any, **keywords: Any) -> None:
            original(callbacks, *arguments, **keywords)
            made.append(callbacks)

        CallbackList.__init__ = init
        waited = {
            "jax": [("jax", "block_until_ready"), ("jax", "device_get")],
            "torch": [("torch.cuda", "synchronize")],
        }
        for module, name in waited.get(backend, []):
            self._count(importlib.import_module(module), name)

    def _count(self, module: Any, name: str) -> None:
        original = getattr(module, name)

        def counted(*arguments: Any, **keywords: Any) -> Any:
            self.waits += 1
            return original(*arguments, **keywords)

        setattr(module, name, counted)

    def take(self) -> list[Any]:
        """Returns and clears what was counted since the last call."""
        flags = [
            [getattr(each, name, None) for name in ("_async_train", "_async_test", "_async_predict")]
            for each in self.lists
        ]
        found = [flags, self.waits]
        self.lists.clear()
        self.waits = 0
        return found


def _run(keras: Any, backend: str, case: Case, spy: _Spy) -> dict[str, Any]:
    """Runs one training from its seeds, in a folder of its own."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    if backend != "torch" and "torch" in sys.modules:
        sys.modules["torch"].manual_seed(7)
    spy.take()
    warnings.simplefilter("always", UserWarning)  # and not once in a process
    result: dict[str, Any] = {"error": ""}
    with _folder() as folder, _printed(folder) as text:
        try:
            model, history = _trained(keras, backend, case)
            variables = [np.asarray(value) for value in model.optimizer.variables]
            result["weights"] = _hash([*model.get_weights(), *variables]
                                      if not callable(model.optimizer.variables) else model.get_weights())  # fmt: skip
            result["history"] = json.dumps(history)
        except Exception as error:  # noqa: BLE001 - what Keras refuses is the same refused thing when it is watched
            result["error"] = f"{type(error).__name__}: {error}"
        result["async"] = spy.take()
        (folder / "printed").rename(folder.parent / "printed")
        result["files"] = {
            str(path.relative_to(folder)): content(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
    result["text"] = without_times((folder.parent / "printed").read_text(errors="replace") if text else "")
    shutil.rmtree(folder.parent)
    return result


def _trained(keras: Any, backend: str, case: Case) -> tuple[Any, Any]:
    feed = case["input"]
    data = inputs.rows(feed, weighted=case["weights"] == "sample", seed=1)
    model = models.built(keras, backend, case["model"], feed)
    class_weight = {0: 1.0, 1: 2.0} if case["weights"] == "class" else None
    if case["model"] == "loop":
        return model, models.loop(model, data, class_weight)
    keywords = inputs.given(keras, feed, data)
    keywords |= {"epochs": inputs.EPOCHS, "verbose": int(case["verbose"]), "class_weight": class_weight}
    if case["steps"] == "given":
        keywords["steps_per_epoch"] = inputs.STEPS if feed in inputs.ENDLESS else inputs.STEPS // inputs.EPOCHS
    validation = case["validation"]
    if validation == "split":
        keywords["validation_split"] = 0.25
    elif validation != "none":
        other = inputs.rows(feed if feed in inputs.SEVERAL else "numpy", weighted=False, seed=2)
        made = inputs.given(keras, validation if feed not in inputs.SEVERAL else "numpy", other, shuffle=False)
        keywords["validation_data"] = (made["x"], made["y"]) if "y" in made else made["x"]
    return model, model.fit(**keywords, callbacks=_callbacks(keras, case["callbacks"])).history


def _callbacks(keras: Any, kind: str) -> list[Any]:
    seen: list[Any] = []

    class Own(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append((batch, float((logs or {"loss": 0})["loss"])))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            print("epoch", epoch, sorted(logs or ()), len(seen), seen[-1:])

    class Safe(Own):
        async_safe = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            print("epoch", epoch, sorted(logs or ()))

    made = {
        "checkpoint": lambda: keras.callbacks.ModelCheckpoint("best-{epoch}.keras"),
        "csv": lambda: keras.callbacks.CSVLogger("log.csv"),
        "early": lambda: keras.callbacks.EarlyStopping("loss", min_delta=10.0, patience=1, restore_best_weights=True),
        "lambda": lambda: keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: print("ended", epoch, sorted(logs))
        ),
        "own": Own,
        "async-safe": Safe,
    }
    return [made[kind]()] if kind != "none" else []


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    before, folder = Path.cwd(), Path(tempfile.mkdtemp(prefix="harmless-")) / "work"
    folder.mkdir()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _printed(folder: Path) -> Iterator[bool]:
    """Redirects stdout and stderr of this process and of its children to a file."""
    kept = [os.dup(1), os.dup(2)]
    with (folder / "printed").open("wb") as file:
        sys.stdout.flush()
        sys.stderr.flush()
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield True
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, saved in zip((1, 2), kept, strict=True):
                os.dup2(saved, number)
                os.close(saved)


def without_times(text: str) -> str:
    """Returns the last state of each line, without times: how often a bar is drawn depends on the clock."""
    lines = [re.split(r"\r|\x08+", line.rstrip("\r\x08"))[-1] for line in COLORS.sub("", text).split("\n")]
    bars = [TIMES.sub("<time>", line) for line in lines]
    return "\n".join(re.sub(r"\s+", " ", line) for line in bars)


def _hash(arrays: list[Any]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def content(path: Path) -> str:
    """Hashes what a reader of a file gets: members of archives, arrays of weights, without times of writing."""
    if path.suffix == ".keras" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            parts = []
            for name in sorted(archive.namelist()):
                data = archive.read(name)
                data = _arrays_of(data).encode() if name.endswith(".h5") else UNSTABLE.sub(b"", data)
                parts.append(f"{name}: {hashlib.md5(data).hexdigest()}")
            return "; ".join(parts)
    return hashlib.md5(path.read_bytes()).hexdigest()


def _arrays_of(data: bytes) -> str:
    import io

    import h5py

    found: list[str] = []
    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(
            lambda name, item: found.append(f"{name} {_hash([item[()]])}") if isinstance(item, h5py.Dataset) else None
        )
    return "\n".join(sorted(found))
