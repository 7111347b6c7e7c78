"""Starts processes, spawned and forked, before, during and after `fit`, and trains in a spawned one."""

import multiprocessing
import os
import sys


def square(number):
    return number * number


def trains(queue):
    from small import model, weights, x, y

    made = model()
    made.fit(x, y, epochs=1, verbose=0)
    queue.put(weights(made))


def pooled(how):
    with multiprocessing.get_context(how).Pool(2) as pool:
        return pool.map(square, range(4))


def main():
    from small import keras, model, say, x, y

    class Starts(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            print(epoch, how, pooled(how), flush=True)

    for how in ("spawn", "fork"):
        print(how, pooled(how), flush=True)
        made = model()
        say(made, made.fit(x, y, epochs=2, verbose=0, callbacks=[Starts()]))
    child = os.fork()
    if child == 0:
        print("forked", flush=True)
        os._exit(5)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=trains, args=(queue,))
    process.start()
    print(queue.get(), flush=True)
    process.join()
    print(process.exitcode, sys.argv[0].rpartition("/")[2], len(sys.argv), __name__)


if __name__ == "__main__":
    main()
