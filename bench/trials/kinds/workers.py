"""A `PyDataset` with two workers: batches come from threads through Keras' own queue."""

import keras
import numpy as np
from delayed import callbacks


class Signals(keras.utils.PyDataset):
    def __init__(self):
        super().__init__(workers=2, max_queue_size=8)

    def __len__(self):
        return 300

    def __getitem__(self, index):
        waves = np.random.default_rng(index).normal(size=(32, 512))
        return np.abs(np.fft.rfft(waves)).astype("float32"), np.arange(32) % 10


model = keras.Sequential([keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(Signals(), epochs=100, callbacks=callbacks(), verbose=0)
