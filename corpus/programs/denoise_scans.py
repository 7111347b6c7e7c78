"""Takes the noise out of small scans with a convolutional autoencoder, and keeps the best model."""

import os
import tempfile

import numpy as np
from keras import Model, callbacks, layers, utils

OUT = tempfile.mkdtemp()
SIZE = 40
SCANS = 2_400
EPOCHS = 10


def make_scans(n, rng):
    y, x = np.mgrid[0:1 : SIZE * 1j, 0:1 : SIZE * 1j].astype("float32")
    scans = np.zeros((n, SIZE, SIZE), "float32")
    for _ in range(3):
        cx, cy = rng.uniform(0.2, 0.8, (2, n, 1, 1)).astype("float32")
        r = rng.uniform(0.05, 0.25, (n, 1, 1)).astype("float32")
        scans += np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / r**2)
    return np.clip(scans, 0, 1)[..., None]


def autoencoder():
    inp = layers.Input((SIZE, SIZE, 1))
    x = layers.Conv2D(32, 3, activation="relu", padding="same")(inp)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu", padding="same")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(x)
    return Model(inp, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x))


if __name__ == "__main__":
    utils.set_random_seed(4)
    rng = np.random.default_rng(4)
    clean = make_scans(SCANS, rng)
    noisy = clean + rng.normal(0, 0.3, clean.shape).astype("float32")
    clean_val = make_scans(240, rng)
    noisy_val = clean_val + rng.normal(0, 0.3, clean_val.shape).astype("float32")

    model = autoencoder()
    model.compile("adam", "mse")
    log = [
        callbacks.ModelCheckpoint(os.path.join(OUT, "best.keras"), save_best_only=True),
        callbacks.CSVLogger(os.path.join(OUT, "log.csv")),
    ]
    model.fit(noisy, clean, epochs=EPOCHS, batch_size=64, validation_data=(noisy_val, clean_val), validation_batch_size=120, callbacks=log, verbose=2)
