"""A variational autoencoder of handwritten strokes, with a train_step of its own."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

SIZE, LATENT = 28, 4
STROKES = 4_096
EPOCHS = 8
BATCH = 64


def draw_strokes(n):
    rng = np.random.default_rng(6)
    t = np.linspace(0, 1, 24)[:, None]
    ends = rng.uniform(4, 24, (n, 3, 1, 2))
    path = (1 - t) ** 2 * ends[:, 0] + 2 * t * (1 - t) * ends[:, 1] + t**2 * ends[:, 2]
    grid = np.stack(np.mgrid[0:SIZE, 0:SIZE], -1).astype("float32")
    ink = np.zeros((n, SIZE, SIZE), "float32")
    for point in range(24):
        distance = ((grid - path[:, point, None, None].astype("float32")) ** 2).sum(-1)
        np.maximum(ink, np.exp(-distance / 2), out=ink)
    return ink[..., None]


class VAE(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential(
            [
                layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
                layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),
                layers.Flatten(),
                layers.Dense(64, activation="relu"),
                layers.Dense(2 * LATENT),
            ]
        )
        self.decoder = keras.Sequential(
            [
                layers.Dense(7 * 7 * 64, activation="relu"),
                layers.Reshape((7, 7, 64)),
                layers.Conv2DTranspose(64, 3, strides=2, padding="same", activation="relu"),
                layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu"),
                layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
            ]
        )
        self.seed_generator = keras.random.SeedGenerator(6)
        self.total = keras.metrics.Mean(name="loss")
        self.reconstruction = keras.metrics.Mean(name="reconstruction")
        self.divergence = keras.metrics.Mean(name="kl")

    @property
    def metrics(self):
        return [self.total, self.reconstruction, self.divergence]

    def call(self, images):
        mean, log_variance = ops.split(self.encoder(images), 2, axis=-1)
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return self.decoder(mean + ops.exp(log_variance / 2) * noise), mean, log_variance

    def train_step(self, images):
        with tf.GradientTape() as tape:
            drawn, mean, log_variance = self(images, training=True)
            reconstruction = ops.mean(ops.sum(keras.losses.binary_crossentropy(images, drawn), axis=(1, 2)))
            kl = -0.5 * ops.mean(ops.sum(1 + log_variance - mean**2 - ops.exp(log_variance), axis=1))
            loss = reconstruction + kl
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.total.update_state(loss)
        self.reconstruction.update_state(reconstruction)
        self.divergence.update_state(kl)
        return {metric.name: metric.result() for metric in self.metrics}


keras.utils.set_random_seed(6)
strokes = draw_strokes(STROKES)
vae = VAE()
vae.compile(optimizer=keras.optimizers.Adam(1e-3))
vae.fit(strokes, epochs=EPOCHS, batch_size=BATCH, verbose=2)
