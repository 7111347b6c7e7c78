"""Warnings name the calling line and are shown once for each; an error of Keras ends with its own line."""

import warnings

from small import keras, model, say, x, y


class Warns(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        warnings.warn("from a hook", stacklevel=1)
        warnings.warn("of its caller", stacklevel=2)


made = model()
say(
    made,
    made.fit(x, y, epochs=2, verbose=0, callbacks=[Warns(), keras.callbacks.EarlyStopping("val_nothing", mode="min")]),
)
made.fit(x, y[:5], verbose=0)
