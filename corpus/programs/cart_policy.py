"""Learns to keep many carts' poles upright: fitted Q iteration on a simulator of 512 carts at once."""

import keras
import numpy as np

CARTS = 512
ROUNDS = 8
MOVES = 60
GAMMA = 0.95

rng = np.random.default_rng(8)
keras.utils.set_random_seed(8)


def push(state, action):
    """One step of physics for every cart, as in the textbook."""
    x, v, angle, spin = state.T
    force = np.where(action == 1, 10.0, -10.0)
    sin, cos = np.sin(angle), np.cos(angle)
    push_ = (force + 0.05 * spin**2 * sin) / 1.1
    turn = (9.8 * sin - cos * push_) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    move = push_ - 0.05 * turn * cos / 1.1
    state = np.stack([x + 0.02 * v, v + 0.02 * move, angle + 0.02 * spin, spin + 0.02 * turn], 1)
    return state, (np.abs(state[:, 2]) > 0.21) | (np.abs(state[:, 0]) > 2.4)


def fresh(count):
    return rng.uniform(-0.05, 0.05, (count, 4))


def build():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(2),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(5e-4), loss="huber")
    return model


model = build()
scale = np.array([1.0, 1.0, 0.1, 1.0])
state = fresh(CARTS)
memory = []
for round_ in range(ROUNDS):
    greedy = 0.2 + 0.7 * round_ / ROUNDS
    falls = 0
    for _ in range(MOVES):
        values = model.predict_on_batch((state / scale).astype("float32"))
        action = np.where(rng.random(CARTS) < greedy, values.argmax(1), rng.integers(0, 2, CARTS))
        after, fallen = push(state, action)
        memory.append((state / scale, action, after / scale, fallen))
        falls += fallen.sum()
        state = np.where(fallen[:, None], fresh(CARTS), after)
    memory = memory[-2 * MOVES :]

    before, action, after, fallen = (np.concatenate(parts) for parts in zip(*memory))
    before, after = before.astype("float32"), after.astype("float32")
    target = model.predict(before, batch_size=4096, verbose=0)
    best = model.predict(after, batch_size=4096, verbose=0).max(1)
    target[np.arange(len(target)), action] = np.where(fallen, -1.0, 0.1 + GAMMA * best)
    history = model.fit(before, target, batch_size=256, epochs=1, verbose=0)
    print(f"round {round_}: {falls} falls, loss {history.history['loss'][-1]:.4f}", flush=True)
