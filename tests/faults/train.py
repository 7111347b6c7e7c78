# ruff: noqa: T201
"""Calls Keras in every way that the probe records, prints the results, and ends as its argument says."""

import copy
import os
import pickle
import signal
import sys
import threading
import warnings

os.environ["OMP_NUM_THREADS"] = "2"

import keras
import numpy as np
import tensorflow as tf


class Mine(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.seen = self.model.predict(x[:2])

    def on_epoch_end(self, epoch, logs=None):
        print(
            "epoch",
            epoch,
            sorted(logs),
            self.seen,
            sorted(vars(self)),
            len(pickle.dumps(self)),
            vars(copy.copy(self)) == vars(self),
        )
        warnings.warn("said of the line that called", stacklevel=2)

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "model"}

    def on_train_batch_end(self, batch, logs=None):
        steps.append(batch)


class Batches(keras.utils.PyDataset):
    pass


def built():
    model = keras.Model()
    model.compile("sgd", "mse")
    return model


def scale(value):
    return value * 2


warnings.simplefilter("always")
steps, results = [], []
tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.run_functions_eagerly(False)
tf.debugging.enable_check_numerics()
x = np.linspace(0.0, 1.0, 96)
data = tf.data.Dataset.from_tensor_slices(x).map(scale).batch(32).prefetch(1)
pairs = tf.data.Dataset.zip(data, tf.data.TFRecordDataset(["a", "b", "c"]))
model, other = built(), built()
history = model.fit(
    data, epochs=3, validation_data=(x[:32], x[:32]), callbacks=[Mine(), keras.callbacks.ModelCheckpoint("best.txt")]
)
again = model.fit(x, x, epochs=2, callbacks=[Mine()])
for _ in range(3):
    model.fit(x, x, verbose=0)
    results.append(
        [model.evaluate(x, x), model.predict(x[:1]), model.train_on_batch(x[:8]), model.predict_on_batch(x[:1])]
    )
thread = threading.Thread(target=lambda: results.append(other.fit(x, x, epochs=2).history))
thread.start()
thread.join()
try:
    model.fit(x, x, callbacks="nonsense")
except ValueError as error:
    print(error)
Batches()
print(history.history, again.history, results, len(steps), len(list(pairs)), tf.SETTINGS)
print(model.weight.value.hex(), other.weight.value.hex(), sorted(os.listdir()))
print("said", file=sys.stderr)
if sys.argv[1] == "exit":
    sys.exit(3)
if sys.argv[1] == "error":
    raise OSError("disk")
if sys.argv[1] == "interrupt":
    os.kill(os.getpid(), signal.SIGINT)
