"""Learns to detect a worn bearing from a machine's vibration.

Each record of the sensor is one line of text: the time, the machine, and 48 readings of acceleration in milli-g. The
script makes records of healthy and worn bearings, trains a small network on them and prints how well it does on unseen
ones.
"""

import keras
import numpy as np
import tensorflow as tf

READINGS = 48
RECORDS = 16_000
TEST_RECORDS = 1_600
BATCH_SIZE = 64
EPOCHS = 10


def simulate_records(count, seed):
    """Makes lines as the sensor writes them, and labels: 1 for a worn bearing, 0 for a healthy one."""
    rng = np.random.default_rng(seed)
    time = np.arange(READINGS) / READINGS
    worn = rng.integers(0, 2, count)
    speed = rng.uniform(3, 9, (count, 1))
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    hum = np.sin(2 * np.pi * speed * time + phase)
    rattle = worn[:, None] * rng.uniform(0.3, 0.9, (count, 1)) * np.sin(2 * np.pi * 3.6 * speed * time)
    signal = 1000 * (hum + rattle + rng.normal(0, 0.35, (count, READINGS)))
    lines = [
        f"2024-03-{1 + i % 28:02d}T{i % 24:02d}:00:00;press-{i % 7};" + ",".join(f"{value:.1f}" for value in row)
        for i, row in enumerate(signal)
    ]
    return lines, worn


def parse(line):
    """Turns one record into readings with mean 0 and deviation 1."""
    _, _, readings = line.split(";")
    values = np.array([float(value) for value in readings.split(",")], dtype="float32")
    return (values - values.mean()) / (values.std() + 1e-6)


def make_dataset(lines, labels):
    def records():
        for line, label in zip(lines, labels, strict=True):
            yield parse(line), np.float32(label)

    dataset = tf.data.Dataset.from_generator(
        records,
        output_signature=(
            tf.TensorSpec(shape=(READINGS,), dtype=tf.float32),
            tf.TensorSpec(shape=(), dtype=tf.float32),
        ),
    )
    return dataset.batch(BATCH_SIZE)


def build_model():
    return keras.Sequential(
        [
            keras.Input((READINGS,)),
            keras.layers.Reshape((READINGS, 1)),
            keras.layers.Conv1D(16, 7, activation="relu"),
            keras.layers.Conv1D(16, 7, activation="relu"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def main():
    keras.utils.set_random_seed(7)
    train_lines, train_labels = simulate_records(RECORDS, seed=1)
    test_lines, test_labels = simulate_records(TEST_RECORDS, seed=2)

    model = build_model()
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(
        make_dataset(train_lines, train_labels).repeat().prefetch(tf.data.AUTOTUNE),
        steps_per_epoch=RECORDS // BATCH_SIZE,
        epochs=EPOCHS,
        shuffle=False,
        verbose=2,
    )

    test_dataset = make_dataset(test_lines, test_labels)
    _, accuracy = model.evaluate(test_dataset, steps=TEST_RECORDS // BATCH_SIZE, verbose=0)
    print(f"Accuracy on unseen records: {accuracy:.3f}")


if __name__ == "__main__":
    main()
