"""Learns which of ten shapes a small noisy picture shows.

The pictures are drawn with NumPy and kept as arrays. A convolutional network learns them in a few epochs.
"""

import keras
import numpy as np

SIZE = 32
CLASSES = 10
PICTURES = 6_400
EPOCHS = 4


def draw_pictures(count, seed):
    """Draws rings and bars of various frequency and direction, one kind a class, with noise over them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype("float32")
    pictures = np.empty((count, SIZE, SIZE, 1), dtype="float32")
    for i, label in enumerate(labels):
        left, top, phase = rng.uniform(-0.4, 0.4, 3)
        angle = np.pi * (label % 5) / 5
        bars = (x - left) * np.cos(angle) + (y - top) * np.sin(angle)
        rings = np.hypot(x - left, y - top) * (1 + label % 5)
        pictures[i, ..., 0] = np.sin(9 * (bars if label < CLASSES // 2 else rings) + phase)
    return pictures + rng.normal(0, 0.8, pictures.shape).astype("float32"), labels


def build_model():
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(128, 3, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def main():
    keras.utils.set_random_seed(3)
    train_pictures, train_labels = draw_pictures(PICTURES, seed=1)
    test_pictures, test_labels = draw_pictures(640, seed=2)

    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        train_pictures,
        train_labels,
        batch_size=64,
        epochs=EPOCHS,
        validation_data=(test_pictures, test_labels),
        validation_batch_size=320,
        verbose=2,
    )


if __name__ == "__main__":
    main()
