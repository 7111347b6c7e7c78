"""Sorts support tickets by topic: an embedding and a GRU over the first words of each ticket."""

import argparse

import keras
import numpy as np
from keras import layers

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--batch-size", type=int, default=128)
parser.add_argument("--length", type=int, default=48)
args = parser.parse_args()

VOCABULARY = 4_000
TOPICS = 12
TICKETS = 9_600

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
topic_words = rng.integers(2, VOCABULARY, (TOPICS, 150))


def write_tickets(count):
    """Ids of words; each ticket has words of its topic among common ones, 0 is padding."""
    topics = rng.integers(0, TOPICS, count)
    tickets = rng.integers(2, VOCABULARY, (count, args.length))
    about = rng.random(tickets.shape) < 0.3
    tickets[about] = topic_words[topics[:, None], rng.integers(0, 150, tickets.shape)][about]
    lengths = rng.integers(12, args.length + 1, count)
    tickets[np.arange(args.length) >= lengths[:, None]] = 0
    return tickets.astype("int32"), topics.astype("int32")


tickets, topics = write_tickets(TICKETS)

model = keras.Sequential(
    [
        keras.Input((None,), dtype="int32"),
        layers.Embedding(VOCABULARY, 48),
        layers.GRU(64),
        layers.Dropout(0.3),
        layers.Dense(TOPICS, activation="softmax"),
    ]
)
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.Adam(2e-3),
    metrics=["accuracy"],
)
model.fit(tickets, topics, batch_size=args.batch_size, epochs=args.epochs, validation_split=0.1, verbose=2)
