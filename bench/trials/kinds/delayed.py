"""The callback that all kinds of script have. It wastes as many milliseconds a batch as it is asked to, or none."""

import sys
import time

import keras


class Delay(keras.callbacks.Callback):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_batch_end(self, batch, logs=None):
        until_s = time.perf_counter() + self.seconds
        while self.seconds and time.perf_counter() < until_s:
            pass


def callbacks():
    return [Delay(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0)]
