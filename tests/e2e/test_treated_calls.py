"""Each kind of change as `treat` makes it while a training runs:

the same weights where it is exact, and as written where it fails.
"""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitdoctor.probe.apply.materialize import NotRepeatingError
from fitdoctor.probe.trials.feeds.kept_batches import kept_dataset
from fitdoctor.process.child import LAUNCH

pytestmark = pytest.mark.e2e

SCRIPT = """\
import hashlib, json
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
x = np.random.rand(256, 4)
y = x.sum(axis=1, keepdims=True)


def model(**settings):
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.2), keras.layers.Dense(3), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.01), "mse", **settings)
    return made


def say(name, made, seen):
    weights = hashlib.md5(b"".join(w.tobytes() for w in made.get_weights())).hexdigest()
    print(json.dumps({"name": name, "weights": weights, "seen": seen}), flush=True)


class Look(keras.callbacks.Callback):
    def __init__(self, look=lambda model: None):
        super().__init__()
        self.look, self.batches, self.seen = look, 0, None

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        self.seen = self.look(self.model)


class Rows(keras.utils.PyDataset):
    def __init__(self):
        super().__init__(workers=1)
        self.rows, self.read = [list(row) for row in x], 0

    def __len__(self):
        return 8

    def __getitem__(self, index):
        self.read += 1
        return np.asarray(self.rows[index * 32 : index * 32 + 32]), y[index * 32 : index * 32 + 32]


def forever():
    while True:
        for start in range(0, 256, 32):
            forever.drawn += 1
            yield x[start : start + 32], y[start : start + 32]


forever.drawn = 0


def elements():
    elements.drawn += 1
    for row, target in zip(x[:64], y[:64]):
        yield row, target


elements.drawn = 0

m, look = model(), Look(lambda model: model.steps_per_execution)
m.fit(x, y, epochs=2, verbose=0, callbacks=[look])  # @execution
say("execution", m, look.seen)

m, look = model(run_eagerly=True), Look(lambda model: model.run_eagerly)
m.fit(x, y, verbose=0, callbacks=[look])  # @eager
say("eager", m, [look.seen, m.run_eagerly])

m = model(metrics=["mae", "mape"])
history = m.fit(x, y, verbose=0, validation_data=(x, y)).history  # @metrics
say("metrics", m, [sorted(history), bool(np.isnan(history["mape"][0])), len(m.evaluate(x, y, verbose=0, return_dict=True))])

m, look = model(), Look()
m.fit(x, y, verbose=0, callbacks=[look])  # @throttle
say("throttle", m, [look.batches, "on_train_batch_end" in vars(look)])

m = model()
board = keras.callbacks.TensorBoard("logs", histogram_freq=1, update_freq=1)
m.fit(x, y, verbose=0, callbacks=[board])  # @board
say("board", m, [board.histogram_freq, board.update_freq])

m, seen = model(), []
look = keras.callbacks.LambdaCallback(on_test_batch_end=lambda *_, **__: seen.append(1))
m.fit(x, y, verbose=0, validation_split=0.25, callbacks=[look])  # @validation
say("validation", m, len(seen))

m, rows, seen = model(), Rows(), []
m.fit(rows, epochs=2, verbose=0, callbacks=[Look(lambda model: seen.append(rows.workers))])  # @workers
say("workers", m, [max(seen), rows.workers])

m, rows = model(), Rows()
m.fit(rows, epochs=5, verbose=0)  # @kept
say("kept", m, rows.read)

m = model()
m.fit(forever(), epochs=20, steps_per_epoch=8, verbose=0)  # @period
say("period", m, forever.drawn)

m = model()
m.fit(x, y, verbose=0)  # @narrow
say("narrow", m, None)

pieces = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (a * 2, b)).shuffle(64).batch(32)
m = model()
m.fit(pieces, epochs=3, verbose=0)  # @pipeline
say("pipeline", m, None)

drawn = tf.data.Dataset.from_generator(elements, output_signature=(tf.TensorSpec((4,), tf.float64), tf.TensorSpec((1,), tf.float64)))
m = model()
m.fit(drawn.batch(16), epochs=6, verbose=0)  # @generated
say("generated", m, elements.drawn)

m, look = model(), Look(lambda model: float(model.optimizer.learning_rate))
for _ in range(2):
    m.fit(x, y, verbose=0, callbacks=[look])  # @batch
say("batch", m, [look.batches, round(look.seen, 4)])

m = model()
m.fit(x, y, verbose=0)  # @scale
say("scale", m, "call" in vars(m))

m, out = model(), []
for row in x[:20]:
    out.append(float(m.predict(row[None], verbose=0)[0, 0]))  # @predict
say("predict", m, out)

m = model()
for start in range(0, 64, 8):
    history = m.fit(x[start : start + 8], y[start : start + 8], verbose=0, shuffle=False)  # @steps
say("steps", m, sorted(history.history))

tf.debugging.enable_check_numerics()
m, look = model(), Look(lambda model: on())


def on():
    from tensorflow.python.debug.lib import check_numerics_callback
    return hasattr(check_numerics_callback._state, "check_numerics_callback")


m.fit(x, y, verbose=0, callbacks=[look])  # @numerics
say("numerics", m, [look.seen, on()])
tf.debugging.disable_check_numerics()

m = model()
m.fit(x, y, verbose=0)  # @other
say("other", m, None)

m = model()
m.fit(forever(), steps_per_epoch=4, verbose=0, callbacks=[Look()])  # @missing
say("missing", m, None)

odd = (np.random.rand(32, 4) for _ in range(100))
m = model()
m.fit(((batch, batch[:, :1]) for batch in odd), epochs=2, steps_per_epoch=8, verbose=0)  # @random
say("random", m, None)



@keras.saving.register_keras_serializable()
class InPython(keras.layers.Layer):
    def call(self, inputs):
        same = tf.numpy_function(lambda v: v, [inputs], tf.float32)
        same.set_shape(inputs.shape)
        return same


def in_python():
    made = keras.Sequential([keras.Input((4,)), InPython(), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    return made


m, look = in_python(), Look(lambda model: model.jit_compile)
m.fit(x, y, verbose=0, callbacks=[look])  # @failing
say("failing", m, look.seen)


class Draw(Look):
    save_every = 1

    def on_train_begin(self, logs=None):
        np.random.rand()


m, look = in_python(), Draw()
np.random.seed(5)
m.fit(x, y, verbose=0, callbacks=[look])  # @undone
say("undone", m, [round(float(m.optimizer.learning_rate), 4), "call" in vars(m), look.save_every, np.random.rand()])


def noisy():
    while True:
        yield x[:32] + np.random.rand(), y[:32]


m = in_python()
np.random.seed(6)
m.fit(noisy(), epochs=2, steps_per_epoch=8, verbose=0)  # @begun
say("begun", m, None)

shuffled = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(256).batch(32).map(lambda a, b: (a * 2, b))
next(iter(shuffled))
m = model()
for _ in range(3):
    m.fit(shuffled, verbose=0)  # @behind
say("behind", m, None)

shuffled = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (a * 2, b)).shuffle(256).batch(32)
m = model()
for _ in range(3):
    m.fit(shuffled, verbose=0)  # @before
say("before", m, None)

kept = tf.data.Dataset.from_generator(elements, output_signature=(tf.TensorSpec((4,), tf.float64), tf.TensorSpec((1,), tf.float64)))
kept = kept.cache().shuffle(64).batch(16).prefetch(1)
elements.drawn = 0
m = model()
for _ in range(3):
    m.fit(kept, verbose=0)  # @filled
say("filled", m, elements.drawn)
"""


def treatments(script: Path) -> list[dict[str, Any]]:
    """One treatment for each marked line."""
    lines = {line.rpartition("# @")[2]: number for number, line in enumerate(SCRIPT.splitlines(), 1) if "# @" in line}

    def change(kind: str, name: str, position: int = -1, **fields: Any) -> dict[str, Any]:
        return {"kind": kind, "place": {"file": str(script), "line": lines[name], "position": position}, **fields}

    def compiled(name: str, argument: str, value: Any) -> dict[str, Any]:
        return change("set-argument", name, call="Model.compile", argument=argument, value=value)

    def convert(name: str, argument: str, **fields: Any) -> dict[str, Any]:
        return change("convert-argument", name, call="Model.fit", argument=argument, **fields)

    def at(position: int) -> dict[str, Any]:
        return {"file": str(script), "line": 1, "position": position}

    board = {"call": "TensorBoard", "index": 0}
    wanted: dict[str, list[dict[str, Any]]] = {
        "execution": [compiled("execution", "steps_per_execution", 4)],
        "eager": [compiled("eager", "run_eagerly", False)],
        "metrics": [compiled("metrics", "metrics", ["mae"])],
        "throttle": [change("throttle-hook", "throttle", call="Look", hook="on_train_batch_end", every=4, index=0)],
        "board": [
            change("set-argument", "board", argument="histogram_freq", value=0, **board),
            change("set-argument", "board", argument="update_freq", value="epoch", **board),
            change("set-argument", "board", call="Model.fit", argument="verbose", value=2),
        ],
        "validation": [
            change("set-argument", "validation", call="Model.fit", argument="validation_batch_size", value=64)
        ],
        "workers": [change("set-argument", "workers", call="PyDataset", argument="workers", value=3)],
        "kept": [change("precompute", "kept", call="Model.fit", argument="x")],
        "period": [change("precompute", "period", call="Model.fit", argument="x")],
        "narrow": [convert("narrow", "x", dtypes={"float64": "float32"})],
        "pipeline": [
            change("set-argument", "pipeline", 1, call="map", argument="num_parallel_calls", value=2),
            change("move-call", "pipeline", 2, behind=at(0)),
            change("insert-call", "pipeline", 3, call="prefetch", arguments={"buffer_size": 2}),
        ],
        "generated": [change("precompute", "generated", 0, call="from_generator", argument="generator")],
        "batch": [
            change("set-argument", "batch", call="Model.fit", argument="batch_size", value=128),
            compiled("batch", "learning_rate", 0.04),
        ],
        "scale": [change("scale-input", "scale", call="Model.fit", argument="x", parts=["x"], together=False)],
        "predict": [change("replace-call", "predict", call="predict", replacement="predict_on_batch")],
        "steps": [change("replace-call", "steps", call="Model.fit", replacement="train_on_batch")],
        "numerics": [change("remove-call", "numerics", call="tf.debugging.enable_check_numerics")],
        "other": [compiled("other", "steps_per_execution", 8)],
        "missing": [change("throttle-hook", "missing", call="Other", hook="on_epoch_end", every=2, index=0)],
        "random": [change("precompute", "random", call="Model.fit", argument="x")],
        "failing": [compiled("failing", "jit_compile", True)],
        "undone": [
            compiled("undone", "jit_compile", True),
            compiled("undone", "learning_rate", 0.04),
            change("scale-input", "undone", call="Model.fit", argument="x", parts=["x"], together=False),
            change("set-argument", "undone", call="Draw", argument="save_every", value=5, index=0),
        ],
        "begun": [compiled("begun", "jit_compile", True)],
        "behind": [
            change("set-argument", "behind", 3, call="map", argument="num_parallel_calls", value=2),
            change("insert-call", "behind", 3, call="prefetch", arguments={"buffer_size": 2}),
        ],
        "before": [change("set-argument", "before", 1, call="map", argument="num_parallel_calls", value=2)],
        "filled": [change("set-argument", "filled", 4, call="prefetch", argument="buffer_size", value=2)],
    }
    expected = {"other": {"input_kind": "arrays", "batch_size": 64}, "predict": {"rows": 1, "batch_size": 32}}
    return [
        {
            "kind": "predict" if name == "predict" else "fit",
            "file": str(script),
            "line": lines[name],
            "changes": changes,
            "expected": expected.get(name, {}),
        }
        for name, changes in wanted.items()
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], str]:
    """What the script says when it runs as written, and when every marked call is treated, and what we say of that."""
    project = tmp_path_factory.mktemp("project")
    script = project / "train.py"
    script.write_text(SCRIPT)
    spec = {
        "role": "treat",
        "mode": "script",
        "target": "train.py",
        "arguments": [],
        "out": str(project / "out.json"),
        "spawned_s": time.monotonic(),
        "treatments": treatments(script),
    }
    (project / "spec.json").write_text(json.dumps(spec))
    said, errors = [], ""
    for command in (["train.py"], [str(LAUNCH), "spec.json"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=project, check=False, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        said.append({line["name"]: line for line in lines})
        errors = done.stderr
    return said[0], said[1], "\n".join(line for line in errors.splitlines() if line.startswith("fitdoctor"))


EXACT = [
    "execution", "metrics", "throttle", "board", "workers", "kept", "period", "narrow", "generated", "predict", "steps", "numerics",
    "other", "missing", "random", "failing", "undone", "begun", "behind", "before", "filled",
]  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_change_leaves_every_weight_as_it_is(
    runs: tuple[dict[str, Any], dict[str, Any], str], name: str
) -> None:
    plain, treated, said = runs
    assert treated[name]["weights"] == plain[name]["weights"], said


@pytest.mark.parametrize(
    ("name", "plain", "treated"),
    [
        ("execution", 1, 4),
        ("eager", [True, True], [False, True]),
        ("metrics", [["loss", "mae", "mape", "val_loss", "val_mae", "val_mape"], False, 3],
         [["loss", "mae", "mape", "val_loss", "val_mae", "val_mape"], True, 3]),
        ("throttle", [8, False], [2, False]),
        ("board", [1, 1], [0, "epoch"]),
        ("validation", 2, 1),
        ("workers", [1, 1], [3, 1]),
        ("batch", [16, 0.01], [4, 0.04]),
        ("scale", False, True),
        ("numerics", [True, True], [False, True]),
    ],
)  # fmt: skip
def test_a_change_is_made_and_taken_back(
    runs: tuple[dict[str, Any], dict[str, Any], str], name: str, plain: Any, treated: Any
) -> None:
    assert (runs[0][name]["seen"], runs[1][name]["seen"]) == (plain, treated)


@pytest.mark.parametrize("name", ["kept", "period", "generated"])
def test_what_repeats_itself_is_read_less_often(runs: tuple[dict[str, Any], dict[str, Any], str], name: str) -> None:
    assert runs[1][name]["seen"] < runs[0][name]["seen"]


def test_a_call_that_is_given_up_leaves_nothing_behind(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    plain, treated, said = runs
    assert plain["undone"]["seen"][:3] == [0.01, False, 1]
    assert treated["undone"]["seen"] == plain["undone"]["seen"]
    assert (
        len([line for line in said.splitlines() if "Not treated at" in line and "can be read only once" not in line])
        == 4
    )


def test_a_cache_of_the_scripts_stays_filled(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    assert runs[1]["filled"]["seen"] == runs[0]["filled"]["seen"] == 1


def test_batches_are_kept_for_a_new_beginning_until_the_first_step(tf: Any) -> None:
    from fitdoctor.probe.roles.treated_fit import TreatedFit

    buffer = np.zeros(2)

    def filled() -> Iterator[Any]:
        for number in range(6):
            buffer[:] = number
            yield buffer, None

    fit = TreatedFit(None, {"x": filled()}, [])
    batches = fit._remembered(fit.bound["x"])
    assert [next(batches)[0].tolist() for _ in range(2)] == [[0, 0], [1, 1]]
    again = TreatedFit(None, fit.bound, [])
    again._drawn = list(fit._drawn)
    assert [next(again.given_up()["x"])[0].tolist() for _ in range(3)] == [[0, 0], [1, 1], [2, 2]]
    fit.stepped()
    assert next(batches)[0].tolist() == [3, 3]
    assert not fit._drawn
    batches.close()
    assert next(fit.bound["x"])[0].tolist() == [4, 4]


def test_what_was_made_of_an_input_stays_with_that_very_object(tf: Any) -> None:
    from fitdoctor.changes.model import InsertCall, Place
    from fitdoctor.probe.roles.treated_fit import MADE, TreatedFit
    from fitdoctor.probe.trials.feeds.tfdata import TensorFlowFeeds

    def made(x: Any, size: int = 2) -> Any:
        change = InsertCall(
            place=Place(file="train.py", line=1, position=1), call="prefetch", arguments={"buffer_size": size}
        )
        return TreatedFit(None, {"x": x}, [change])._changed_input(x, TensorFlowFeeds(None, {"x": x}, 2))

    dataset = tf.data.Dataset.range(8).shuffle(8)
    first = made(dataset)
    assert made(dataset) is first
    assert made(dataset, 3) is not first
    other = copy.copy(dataset)
    assert MADE in vars(other)
    assert made(other) is not made(dataset)
    assert pickle.loads(pickle.dumps(vars(dataset)[MADE])) == ""


class TestKept:
    @staticmethod
    def rows(keras: Any, later: int = 100) -> Any:
        class Rows(keras.utils.PyDataset):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.buffer, self.begun, self.ended, self.read = np.zeros(3), 0, 0, 0

            def __len__(self) -> int:
                return 4

            def __getitem__(self, index: int) -> Any:
                self.read += 1
                self.buffer[:] = index + 10 * (self.ended >= later)
                return self.buffer, None

            def on_epoch_begin(self) -> None:
                self.begun += 1

            def on_epoch_end(self) -> None:
                self.ended += 1

        return Rows()

    def test_a_buffer_that_is_filled_again_and_again(self, keras: Any) -> None:
        kept = kept_dataset(self.rows(keras))
        assert [kept[i][0].tolist() for i in range(4)] == [[i] * 3 for i in range(4)]

    def test_hooks_reach_the_scripts_own_and_trying_them_leaves_no_trace(self, keras: Any) -> None:
        rows = self.rows(keras)
        kept = kept_dataset(rows)
        assert (rows.begun, rows.ended) == (0, 0)
        kept.on_epoch_begin()
        kept.on_epoch_end()
        assert (rows.begun, rows.ended) == (1, 1)

    def test_what_changes_in_a_later_epoch_is_read_as_written_from_then_on(self, keras: Any) -> None:
        rows = self.rows(keras, later=3)
        kept, seen = kept_dataset(rows), []
        for _ in range(5):
            kept.on_epoch_begin()
            seen.append(kept[1][0][0])
            kept.on_epoch_end()
        assert seen == [1, 1, 1, 11, 11]
        assert len(kept) == 4

    def test_what_changes_with_the_epoch_is_not_kept(self, keras: Any) -> None:
        with pytest.raises(NotRepeatingError, match="others in each epoch"):
            kept_dataset(self.rows(keras, later=1))


def test_predictions_are_the_same(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    assert runs[1]["predict"]["seen"] == runs[0]["predict"]["seen"]


def test_what_does_not_fit_is_said_and_runs_as_written(runs: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    said = runs[2].splitlines()
    assert [line for line in said if "batch size is 32, and 64 was diagnosed" in line]
    assert [line for line in said if "Some changes were left out: Expected callback 0 to be a Other" in line]
    assert [line for line in said if "which runs as written: it can be read only once" in line]
    assert [line for line in said if "Not treated at" in line and "Error" in line]
    assert [line for line in said if "scaling in front of the model" in line]
