"""Forecasts the electric power of a town for the next hour from the last day and a half, with an LSTM."""

import numpy as np
import tensorflow as tf

keras = tf.keras

HISTORY = 36
SERIES = 12_000
SPLIT = 10_500


def load_series():
    rng = np.random.default_rng(7)
    hour = np.arange(SERIES)
    weather = np.convolve(rng.normal(size=SERIES + 47), np.ones(48) / 7, "valid")
    power = np.sin(hour * 2 * np.pi / 24) + 0.5 * np.sin(hour * 2 * np.pi / 168) + 0.6 * weather
    power += 0.1 * rng.normal(size=SERIES)
    table = np.stack([power, weather, np.sin(hour * 2 * np.pi / 24), np.cos(hour * 2 * np.pi / 24)], axis=1)
    return table.astype("float32")


def windows(table, shuffle):
    return keras.utils.timeseries_dataset_from_array(
        table[:-1], table[HISTORY:, 0], sequence_length=HISTORY, batch_size=128, shuffle=shuffle, seed=7
    ).cache()


def main():
    keras.utils.set_random_seed(7)
    table = load_series()
    mean, std = table[:SPLIT].mean(0), table[:SPLIT].std(0)
    table = (table - mean) / std
    train, valid = windows(table[:SPLIT], True), windows(table[SPLIT:], False)

    model = keras.Sequential()
    model.add(keras.Input((HISTORY, 4)))
    model.add(keras.layers.LSTM(96))
    model.add(keras.layers.Dense(32, activation="relu"))
    model.add(keras.layers.Dense(1))
    model.compile(loss="mae", optimizer=keras.optimizers.Adam(5e-4))
    model.fit(train, validation_data=valid, epochs=10, verbose=2)


if __name__ == "__main__":
    main()
