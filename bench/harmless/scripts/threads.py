"""Fits in a thread, in two at once, and in the main thread while another one does."""

import multiprocessing
import threading

from small import keras, model, weights, x, y

found = {}


def square(number):
    return number * number


def fits(name):
    keras_model = made[name]
    keras_model.fit(x, y, epochs=3, batch_size=32, verbose=0, shuffle=False)
    found[name] = weights(keras_model)


def in_threads(*names):
    threads = [threading.Thread(target=fits, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    return threads


def plain():
    """Without Dropout: threads would draw from one generator."""
    given = keras.Input((6,))
    made = keras.Model(given, keras.layers.Dense(1)(keras.layers.Dense(8, activation="relu")(given)))
    made.compile(optimizer="sgd", loss="mse")
    return made


if __name__ == "__main__":
    made = {name: plain() for name in "abcde"}
    for each in made.values():  # built and traced by one thread at a time
        each.fit(x[:32], y[:32], batch_size=32, verbose=0)
    for thread in in_threads("a"):
        thread.join()
    for thread in in_threads("b", "c"):
        thread.join()
    running = in_threads("d")
    fits("e")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [3]))
    for thread in running:
        thread.join()
    print(
        sorted(found.items()),
        sorted(thread.name for thread in threading.enumerate() if not thread.name.startswith("fitdoctor")),
    )
    model()
