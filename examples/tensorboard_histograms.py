"""Classifies four kinds of scans, and logs the training to TensorBoard.

To watch the loss and the weights, the callback writes histograms of all weights at the end of each epoch. The data is
small and so are the epochs, and the network has two wide dense layers.
"""

import tempfile

import keras
import numpy as np

SCANS = 640
SIZE = 28
KINDS = 4
BATCH_SIZE = 64
EPOCHS = 20


def make_scans(count, seed):
    """Makes noise with a bright spot, at another place in each kind."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, KINDS, count)
    scans = rng.normal(0, 1, (count, SIZE, SIZE, 1)).astype("float32")
    for scan, kind in zip(scans, kinds, strict=True):
        row, column = rng.integers(2, 10, 2) + 12 * np.array([kind // 2, kind % 2])
        scan[row : row + 3, column : column + 3] += 1.5
    return scans, kinds


def build_model():
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(768, activation="relu"),
            keras.layers.Dense(384, activation="relu"),
            keras.layers.Dense(KINDS, activation="softmax"),
        ]
    )


def main():
    keras.utils.set_random_seed(5)
    scans, kinds = make_scans(SCANS, seed=1)
    test_scans, test_kinds = make_scans(160, seed=2)

    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    board = keras.callbacks.TensorBoard(log_dir=tempfile.mkdtemp(), histogram_freq=1)
    model.fit(
        scans,
        kinds,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        validation_data=(test_scans, test_kinds),
        callbacks=[board],
        verbose=2,
    )


if __name__ == "__main__":
    main()
