"""Short steps with a callback that computes something after each of them."""

import keras
import numpy as np
from delayed import callbacks


class Norms(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen = [float(np.linalg.norm(weights)) for weights in self.model.get_weights()]


x = np.random.default_rng(0).normal(size=(8_000, 64)).astype("float32")
y = x[:, :8].sum(axis=1, keepdims=True)
model = keras.Sequential(
    [keras.layers.Dense(256, activation="relu"), keras.layers.Dense(256, activation="relu"), keras.layers.Dense(1)]
)
model.compile("adam", "mse")
model.fit(x, y, batch_size=64, epochs=100, callbacks=[*callbacks(), Norms()], verbose=0)
