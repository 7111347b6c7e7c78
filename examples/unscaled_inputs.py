"""A small network on ten unscaled columns that reach 1, …, 1000. Each epoch is fast, but it takes many of them."""

import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
x = rng.uniform(0, 1, (2000, 10)).astype("float32")
y = (x[:, 0] + x[:, 1] * x[:, 2] > x[:, 3] + 0.25).astype("float32")
x *= np.geomspace(1, 1000, 10, dtype="float32")

model = keras.Sequential(
    [
        keras.Input((10,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:1000], y[:1000], validation_data=(x[1000:], y[1000:]), epochs=400, verbose=0)
