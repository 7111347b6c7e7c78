"""Steps that Python runs one operation at a time."""

import keras
import numpy as np
from delayed import callbacks

x = np.random.default_rng(0).normal(size=(4_000, 20)).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy", run_eagerly=True)
model.fit(x, y, batch_size=32, epochs=100, callbacks=callbacks(), verbose=0)
