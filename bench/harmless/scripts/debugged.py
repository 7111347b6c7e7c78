"""Stops at a breakpoint in a callback and after fit, with commands on stdin: looks around, steps, and goes on."""

from small import keras, model, say, x, y


class Stops(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            breakpoint()
        print("epoch", epoch)


made = model()
history = made.fit(x, y, epochs=2, verbose=0, callbacks=[Stops()])
breakpoint()
say(made, history)
