"""Pickles and copies the model, the callbacks and the history while fit runs, and after it."""

import copy
import pickle

from small import keras, model, say, weights, x, y


class Keeps(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name not in ("model", "_model")}

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(sorted(vars(self)))
        again = pickle.loads(pickle.dumps(self))
        shallow = copy.copy(self)
        print(epoch, sorted(vars(again)), sorted(vars(shallow)), type(shallow).on_epoch_end is type(self).on_epoch_end)
        print(
            weights(pickle.loads(pickle.dumps(self.model))) == weights(self.model),
            weights(copy.deepcopy(self.model)) == weights(self.model),
        )


keeps = Keeps()
made = model()
history = made.fit(x, y, epochs=2, verbose=0, callbacks=[keeps])
say(made, history)
history.set_model(None)
print(pickle.loads(pickle.dumps(history)).history == history.history, len(pickle.dumps(keeps)), keeps.seen)
print(weights(pickle.loads(pickle.dumps(made))), weights(keras.models.clone_model(made)) != weights(made))
