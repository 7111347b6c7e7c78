"""Tells eight spoken words apart: log spectrograms of short recordings, and a small convnet."""

import keras
import numpy as np
import tensorflow as tf

WORDS = 8
RATE = 8_000
RECORDINGS = 3_200
BATCH = 64
EPOCHS = 12
FRAME, HOP = 256, 128


def speak(count, seed):
    """Makes half a second of sound each: two gliding tones in noise, by word."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, WORDS, count)
    time = np.arange(RATE // 2, dtype="float32") / RATE
    start = (300 + 150 * words + rng.normal(0, 40, count))[:, None]
    glide = np.where(words % 2, 900, -400)[:, None] + rng.normal(0, 80, (count, 1))
    tone = np.sin(2 * np.pi * (start * time + glide * time**2)) + 0.5 * np.sin(4 * np.pi * start * time)
    return (tone + rng.normal(0, 0.8, tone.shape)).astype("float32"), words


def spectrogram(sound, word):
    spectrum = tf.abs(tf.signal.stft(sound, FRAME, HOP))
    return (tf.math.log(spectrum + 1e-3)[..., None] - 2.0) / 0.8, word


def mask(spectrograms, words):
    """Hides a few frequencies of a batch, as SpecAugment does."""
    bins = spectrograms.shape[-2]
    low = tf.random.uniform((tf.shape(words)[0], 1, 1, 1), 0, bins - 12, tf.int32)
    bin_ = tf.range(bins)[None, None, :, None]
    return tf.where((bin_ >= low) & (bin_ < low + 12), 0.0, spectrograms), words


sounds, words = speak(RECORDINGS, seed=1)
test_sounds, test_words = speak(400, seed=2)
keras.utils.set_random_seed(2)

train = (
    tf.data.Dataset.from_tensor_slices((sounds, words))
    .map(spectrogram, num_parallel_calls=tf.data.AUTOTUNE)
    .cache()
    .shuffle(RECORDINGS)
    .batch(BATCH)
    .map(mask, num_parallel_calls=tf.data.AUTOTUNE)
    .prefetch(tf.data.AUTOTUNE)
)
test = tf.data.Dataset.from_tensor_slices((test_sounds, test_words)).map(spectrogram).batch(200).cache()

model = keras.Sequential(
    [
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(48, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(WORDS),
    ]
)
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train, epochs=EPOCHS, validation_data=test, verbose=2)
