"""A large dense network: steps of about a second."""

import keras
import numpy as np
from delayed import callbacks

x = np.random.default_rng(0).normal(size=(10_240, 1024)).astype("float32")
y = x[:, :1]
model = keras.Sequential([*(keras.layers.Dense(2048, activation="relu") for _ in range(3)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, y, batch_size=1024, epochs=100, callbacks=callbacks(), verbose=0)
