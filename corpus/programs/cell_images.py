"""Counts kinds of cells in microscope images: a PyDataset that flips, turns and brightens each batch."""

import math

import keras
import numpy as np
from keras import layers

KINDS = 5
SIZE = 32
IMAGES = 4_800


def draw_cells(count, seed):
    """Draws one cell an image: kinds differ in the number of their lobes."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, KINDS, count)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    edge = 0.55 + 0.15 * np.cos(kinds[:, None, None] * angle + rng.uniform(0, 6, (count, 1, 1)))
    images = 1 / (1 + np.exp(12 * (radius - edge)))
    images = images[..., None] * rng.uniform(0.5, 1, (count, 1, 1, 3)) + rng.normal(0, 0.15, (count, SIZE, SIZE, 3))
    return images.astype("float32"), kinds


class Cells(keras.utils.PyDataset):
    def __init__(self, images, kinds, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.images, self.kinds, self.batch_size = images, kinds, batch_size
        self.rng = np.random.default_rng(5)
        self.order = self.rng.permutation(len(images))

    def __len__(self):
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.images[chosen]
        if self.rng.random() < 0.5:
            images = images[:, :, ::-1]
        images = np.rot90(images, self.rng.integers(4), axes=(1, 2))
        images = images * self.rng.uniform(0.8, 1.2, (len(images), 1, 1, 1)).astype("float32")
        return images, self.kinds[chosen]

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self.images))


def block(x, filters):
    shortcut = layers.Conv2D(filters, 1)(x)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(filters, 3, padding="same")(x)
    return layers.MaxPooling2D()(layers.ReLU()(layers.add([x, shortcut])))


def main():
    keras.utils.set_random_seed(5)
    images, kinds = draw_cells(IMAGES, seed=5)
    test_images, test_kinds = draw_cells(400, seed=6)

    inputs = keras.Input((SIZE, SIZE, 3))
    x = block(inputs, 24)
    x = block(x, 48)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(KINDS, activation="softmax")(x))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    train = Cells(images, kinds, batch_size=64)
    model.fit(train, epochs=8, validation_data=(test_images, test_kinds), validation_batch_size=200, verbose=2)


if __name__ == "__main__":
    main()
