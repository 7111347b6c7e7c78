"""Predicts the price of a house from 48 columns of a survey."""

import keras
import numpy as np

COLUMNS = 48
ROWS = 40_000
BATCH = 256
EPOCHS = 14


def survey(rows, seed):
    """Areas, counts, years, distances...: every column has a unit of its own."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(rows, 8)).astype("float32")
    mix = np.random.default_rng(0).normal(size=(8, COLUMNS)).astype("float32")
    columns = latent @ mix + rng.normal(0, 0.3, (rows, COLUMNS)).astype("float32")
    prices = np.tanh(2 * latent[:, 0] * latent[:, 1]) + np.sin(2 * latent[:, 2] + 3 * latent[:, 3]) * np.sign(latent[:, 4])
    units = np.geomspace(0.02, 20_000, COLUMNS).astype("float32")
    return (columns * units + 3 * units).astype("float32"), (prices + rng.normal(0, 0.1, rows)).astype("float32")


def build_model():
    inputs = keras.Input((COLUMNS,))
    x = keras.layers.Dense(768, activation="relu")(inputs)
    x = keras.layers.Dense(768, activation="relu")(x)
    x = keras.layers.Dense(384, activation="relu")(x)
    outputs = keras.layers.Dense(1)(x)
    return keras.Model(inputs, outputs)


def main():
    keras.utils.set_random_seed(1)
    x, y = survey(ROWS, seed=1)
    x_test, y_test = survey(4_000, seed=2)

    mean, deviation = x.mean(axis=0), x.std(axis=0)
    x = (x - mean) / deviation
    x_test = (x_test - mean) / deviation

    model = build_model()
    model.compile(optimizer=keras.optimizers.Adam(2e-4), loss="mse", metrics=["mae"])
    callbacks = []
    model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=EPOCHS,
        validation_data=(x_test, y_test),
        validation_batch_size=1000,
        callbacks=callbacks,
        verbose=2,
    )
    print("mean error:", model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1])


if __name__ == "__main__":
    main()
