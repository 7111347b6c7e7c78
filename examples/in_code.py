"""A model that still runs eagerly from the last debugging session, diagnosed before it is trained."""

import keras
import numpy as np

import fitdoctor

x = np.random.default_rng(0).normal(size=(20_000, 32)).astype("float32")
y = x.sum(axis=1, keepdims=True)

model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)])
model.compile("adam", "mse", run_eagerly=True)

report = fitdoctor.diagnose(model, x, y, epochs=20, batch_size=64)
print(report)
