"""The call of `fit` to diagnose: its arguments by name, ready to be made again and again."""

from __future__ import annotations

import inspect
from typing import Any

from fitdoctor.errors import FitdoctorError
from fitdoctor.probe import backends
from fitdoctor.probe.apply import tfdata
from fitdoctor.probe.apply.tfdata_stages import again
from fitdoctor.probe.files.redirect import CALLBACK_PATHS, Redirect
from fitdoctor.probe.inputs import kinds, tfdata_recipes

UNRECORDED = (
    "The input pipeline was built before fitdoctor observed it, so changes of it can't be tried. "
    "Build it inside “with fitdoctor.watch():”, then diagnose again."
)


class FitCall:
    """One call of a model's `fit`.

    Args:
        model: A Keras model.
        arguments: The positional arguments of fit, without the model.
        keywords: The keyword arguments of fit.

    Raises:
        TypeError: `fit` does not take these arguments.
        FitdoctorError: Some of the data can be read only once.
    """

    def __init__(self, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self._model = model
        try:
            self._bound = inspect.signature(model.fit).bind(*arguments, **keywords)
        except TypeError:
            model.fit(*arguments, **keywords)  # raises its own error
            raise
        for name in ("x", "validation_data"):
            _check_repeatable(name, self.argument(name))

    def argument(self, name: str) -> Any:
        """Returns the value of an argument, or None."""
        for holder in self._holders():
            if name in holder:
                return holder[name]
        return None

    @property
    def callbacks(self) -> list[Any]:
        """The callbacks as a flat list."""
        given = self.argument("callbacks")
        if given is None:
            return []
        lists = backends.keras_of(self._model).callbacks.CallbackList
        return list(given.callbacks) if isinstance(given, lists) else list(backends.tree().flatten(given))

    @property
    def given(self) -> list[Any]:
        """The arguments with a state of their own, which a fit changes."""
        return [*self.callbacks, *(part for part in self._data if kinds.input_kind(part) == "pydataset")]

    @property
    def loaders(self) -> list[Any]:
        """The arguments that may hold random generators of PyTorch."""
        return [part for part in self._data if kinds.input_kind(part) == "dataloader"]

    @property
    def _data(self) -> list[Any]:
        data = self.argument("validation_data")
        return [self.argument("x"), *(data if isinstance(data, (tuple, list)) else (data,))]

    @property
    def unrecorded(self) -> bool:
        """Whether the training data comes from a pipeline whose construction was not recorded completely."""
        return kinds.input_kind(self.argument("x")) == "tf.data" and not _is_recorded(self.argument("x"))

    def make(self, redirect: Redirect) -> Any:
        """Calls fit with rebuilt pipelines, and with the files of callbacks redirected.

        This changes the paths of the callbacks.
        """
        for callback in self.callbacks:
            _redirect_paths(callback, redirect)
        bound = self._bound
        made = inspect.BoundArguments(bound.signature, bound.arguments.copy())
        for name in ("x", "validation_data"):
            _replace(made, name, _rebuilt(self.argument(name)))
        return self._model.fit(*made.args, **made.kwargs)

    def _holders(self) -> list[dict[str, Any]]:
        return [self._bound.arguments, *_var_keywords(self._bound)]


def _var_keywords(bound: inspect.BoundArguments) -> list[dict[str, Any]]:
    kinds = bound.signature.parameters.items()
    return [bound.arguments[name] for name, one in kinds if one.kind is one.VAR_KEYWORD and name in bound.arguments]


def _replace(bound: inspect.BoundArguments, name: str, value: Any) -> None:
    if name in bound.arguments:
        bound.arguments[name] = value
        return
    for parameter in bound.signature.parameters.values():
        taken = bound.arguments.get(parameter.name)
        if parameter.kind is parameter.VAR_KEYWORD and taken is not None and name in taken:
            bound.arguments[parameter.name] = {**taken, name: value}


def _check_repeatable(name: str, value: Any) -> None:
    parts = value if isinstance(value, tuple) else (value,)
    for part in parts:
        if inspect.isgenerator(part) or hasattr(part, "__next__"):
            raise FitdoctorError(
                f"Received {name} as a {type(part).__name__}, which can be read only once: a diagnosis reads the data "
                "several times, and your training would miss it. Expected arrays, a tf.data.Dataset or a "
                "keras.utils.PyDataset. Pass tf.data.Dataset.from_generator(function, …), or diagnose the script: "
                "fitdoctor diagnose train.py."
            )


def _is_recorded(dataset: Any) -> bool:
    steps = tfdata_recipes.chain(dataset)
    return bool(steps) and not steps[0][1].parents


def _rebuilt(value: Any) -> Any:
    """Rebuilds a recorded pipeline: the shuffles of the user's one keep their state, and its caches stay empty."""
    if isinstance(value, tuple):
        return tuple(map(_rebuilt, value))
    if value is None or kinds.input_kind(value) != "tf.data" or not _is_recorded(value):
        return value
    return tfdata.rebuild(value, lambda _, recipe, parent: again(recipe, parent))


def _redirect_paths(callback: Any, redirect: Redirect) -> None:
    """Redirects the paths of a callback of Keras, in all attributes that hold them."""
    for name, argument in CALLBACK_PATHS.items():
        cls = getattr(backends.keras_of(callback).callbacks, name, None)
        path = vars(callback).get(argument)
        if cls is None or not isinstance(callback, cls) or not path:
            continue
        redirected = str(redirect.backup_path(path) if name == "BackupAndRestore" else redirect.writing_path(path))
        for attribute, value in list(vars(callback).items()):
            if isinstance(value, str) and value.startswith(str(path)):
                setattr(callback, attribute, redirected + value.removeprefix(str(path)))
            elif attribute == argument:
                setattr(callback, attribute, redirected)
