"""What `harmless.py` trains: one trunk a kind, with one input and output or with two."""

from __future__ import annotations

from typing import Any

from bench.harmless.inputs import BATCH, EXTRA, FEATURES, ROWS, SEVERAL

KINDS = ("dense", "convolution", "recurrent", "train-step", "subclassed", "loop")


def built(keras: Any, backend: str, kind: str, feed: str) -> Any:
    """A compiled model of that kind for an input of that kind."""
    if kind == "subclassed" and feed not in SEVERAL:
        model = subclassed(keras)
    else:
        cls = stepped(keras, backend) if kind == "train-step" else keras.Model
        model = functional(keras, cls, kind, feed)
    several = feed in SEVERAL
    loss: Any = ({"one": "mse", "two": "mse"} if feed == "dict" else ["mse", "mse"]) if several else "mse"
    model.compile(
        optimizer=keras.optimizers.Adam(1e-2), loss=loss, metrics=None if several or kind == "train-step" else ["mae"]
    )
    return model


def functional(keras: Any, cls: Any, kind: str, feed: str) -> Any:
    a = keras.Input((FEATURES,), name="a")
    out = trunk(keras, kind)(a)
    if feed not in SEVERAL:
        return cls(a, keras.layers.Dense(1, name="one")(out))
    b = keras.Input((EXTRA,), name="b")
    joined = keras.layers.Concatenate()([out, b])
    one, two = keras.layers.Dense(1, name="one")(joined), keras.layers.Dense(1, name="two")(joined)
    return cls({"a": a, "b": b}, {"one": one, "two": two}) if feed == "dict" else cls([a, b], [one, two])


def trunk(keras: Any, kind: str) -> Any:
    layers = keras.layers
    if kind == "convolution":
        between = [
            layers.Reshape((4, 3)),
            layers.Conv1D(4, 2, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
        ]
    elif kind == "recurrent":
        between = [layers.Reshape((4, 3)), layers.GRU(6, dropout=0.2, recurrent_dropout=0.1)]
    else:
        between = [layers.Dense(8, activation="relu"), layers.Dropout(0.2)]
    return keras.Sequential(between)


def subclassed(keras: Any) -> Any:
    class Small(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.drop, self.last = keras.layers.Dense(8), keras.layers.Dropout(0.3), keras.layers.Dense(1)

        def call(self, inputs: Any, training: bool = False) -> Any:
            inputs = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
            return self.last(self.drop(self.first(inputs), training=training))

    return Small()


def stepped(keras: Any, backend: str) -> Any:
    """A class with a `train_step` of its own, as Keras' guides write it for each backend."""
    return {"jax": _on_jax, "torch": _on_torch}.get(backend, _on_tensorflow)(keras)


def _unpacked(keras: Any, data: Any) -> Any:
    unpack = getattr(keras.utils, "unpack_x_y_sample_weight", None)
    if unpack is None:
        from keras.src.trainers.data_adapters.data_adapter_utils import unpack_x_y_sample_weight as unpack
    return unpack(data)


def _on_tensorflow(keras: Any) -> Any:
    import tensorflow as tf

    class Own(keras.Model):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            x, y, weight = _unpacked(keras, data)
            with tf.GradientTape() as tape:
                loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True), sample_weight=weight)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    return Own


def _on_torch(keras: Any) -> Any:
    import torch

    class Own(keras.Model):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            x, y, weight = _unpacked(keras, data)
            self.zero_grad()
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True), sample_weight=weight)
            loss.backward()
            gradients = [weights.value.grad for weights in self.trainable_weights]
            with torch.no_grad():
                self.optimizer.apply(gradients, self.trainable_weights)
            return {"loss": loss.detach()}

    return Own


def _on_jax(keras: Any) -> Any:
    import jax

    class Own(keras.Model):  # type: ignore[misc]
        def loss_and_updates(self, trained: Any, others: Any, x: Any, y: Any, weight: Any) -> Any:
            found, others = self.stateless_call(trained, others, x, training=True)
            return self.compute_loss(x=x, y=y, y_pred=found, sample_weight=weight), others

        def train_step(self, state: Any, data: Any) -> Any:
            trained, others, optimizers, metrics = state
            x, y, weight = _unpacked(keras, data)
            gradient = jax.value_and_grad(self.loss_and_updates, has_aux=True)
            (loss, others), gradients = gradient(trained, others, x, y, weight)
            trained, optimizers = self.optimizer.stateless_apply(optimizers, gradients, trained)
            return {"loss": loss}, (trained, others, optimizers, metrics)

    return Own


def loop(model: Any, data: Any, class_weight: Any) -> list[Any]:
    """A training loop of the user's own."""
    x, y, weight = data
    seen = []
    for start in range(0, ROWS, BATCH):
        part = slice(start, start + BATCH)
        logs = model.train_on_batch(
            _cut(x, part), _cut(y, part), sample_weight=_cut(weight, part), class_weight=class_weight, return_dict=True
        )
        seen.append({name: float(value) for name, value in logs.items()})
    seen.append(model.test_on_batch(_cut(x, slice(0, BATCH)), _cut(y, slice(0, BATCH)), return_dict=True))
    seen.append(repr(model.predict_on_batch(_cut(x, slice(0, 2)))))
    return [repr(each) for each in seen]


def _cut(value: Any, rows: slice) -> Any:
    if isinstance(value, dict):
        return {name: part[rows] for name, part in value.items()}
    return [part[rows] for part in value] if isinstance(value, list) else None if value is None else value[rows]
