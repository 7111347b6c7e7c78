"""The script has signal handlers of its own.

SIGTERM saves and leaves, SIGALRM ends a step that takes too long, and the training goes on.
"""

import signal
import sys
import time

from small import keras, model, say, x, y


class TooLongError(Exception):
    pass


def too_long(number, frame):
    raise TooLongError


def leave(number, frame):
    made.save("left.keras")
    sys.exit(7)


signal.signal(signal.SIGALRM, too_long)
signal.signal(signal.SIGTERM, leave)


class Slow(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            time.sleep(5)
        except TooLongError:
            print("too long", epoch)
        if epoch == 2 and sys.argv[1] == "leave":
            signal.raise_signal(signal.SIGTERM)


made = model()
history = made.fit(x, y, epochs=4, verbose=0, callbacks=[Slow()])
say(made, history)
