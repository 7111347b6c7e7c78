"""A small network on batches of 32: would larger ones be faster, and as good?"""

import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
x = rng.uniform(0, 1, (12_000, 10)).astype("float32")
y = (x[:, 0] + x[:, 1] * x[:, 2] > x[:, 3] + 0.25).astype("float32")

model = keras.Sequential(
    [
        keras.Input((10,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:10_000], y[:10_000], validation_data=(x[10_000:], y[10_000:]), batch_size=32, epochs=50, verbose=0)
