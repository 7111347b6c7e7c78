"""Patched classes and functions look like the original ones to `inspect`."""

from __future__ import annotations

import json

import pytest

from tests.support.projects import Project

pytestmark = pytest.mark.e2e

IMPORTS = {
    "tensorflow": "import tensorflow, keras",
    "jax": "import keras",
    "torch": "import torch.utils.data, keras",
    "tf_keras": "import tensorflow, tf_keras",
}
COMPARES = """
import inspect, json, os, sys, typing
{imports}
from fitdoctor.probe.support import patches
from types import BuiltinFunctionType, FunctionType

def function_of(thing):
    return getattr(thing, "__func__", thing)

def hints(function):
    try:
        return repr(typing.get_type_hints(function))
    except Exception as error:
        return repr(error)

NAMES = ("__name__", "__qualname__", "__module__", "__doc__")
SEEN = {{
    "signature": inspect.signature,
    "full specification": inspect.getfullargspec,
    "hints": hints,
    "source": inspect.getsource,
    "module": inspect.getmodule,
    **{{name: lambda function, name=name: getattr(function, name) for name in NAMES}},
}}
differences, compared = [], 0
for (_, name), layers in patches._layers.items():
    owner, original, replacement = layers[0].owner, layers[0].original, layers[-1].replacement
    if original is patches._INHERITED:
        original = next(vars(cls)[name] for cls in owner.__mro__[1:] if name in vars(cls))
    if isinstance(original, BuiltinFunctionType):  # of `os`: its patch is a function in Python
        for what in ("signature", "__name__", "__module__", "__doc__"):
            if SEEN[what](original) != SEEN[what](replacement):
                differences.append([str(owner), name, what])
        continue
    if type(original) is not type(replacement):
        differences.append([str(owner), name, "kind"])
        continue
    compared += 1
    original, replacement = function_of(original), function_of(replacement)
    for what, read in SEEN.items():
        if isinstance(original, FunctionType) and read(original) != read(replacement):
            differences.append([str(owner), name, what, str(read(original))[:300], str(read(replacement))[:300]])
    for number, layer in enumerate(layers):
        if number and layer.original is not layers[number - 1].replacement:
            differences.append([str(owner), name, "layers"])
print(json.dumps([compared, differences]))
"""


@pytest.mark.parametrize("role", ["watch", "treat"])
@pytest.mark.parametrize("backend", IMPORTS)
def test_patched_functions_look_like_the_originals(
    user: Project, monkeypatch: pytest.MonkeyPatch, backend: str, role: str
) -> None:
    if backend != "tf_keras":
        monkeypatch.setenv("KERAS_BACKEND", backend)
    user.write(train=COMPARES.format(imports=IMPORTS[backend]))
    done = user.launch("train.py", role=role, treatments=[], process_changes=[])
    assert done.returncode == 0, done.stderr[-2000:]
    compared, differences = json.loads(done.stdout.splitlines()[-1])
    assert differences == []
    assert compared > 20


LOOKS = """
import abc, copy, dataclasses, functools, inspect, json, os, pickle, typing
os.environ.setdefault("KERAS_BACKEND", "torch")
{imports}
Callback, Sequence = keras.callbacks.Callback, {sequence}
bases = {bases}

def hints(function):
    try:
        return typing.get_type_hints(function)
    except NameError as error:
        return error

class Meta(type):
    def __call__(cls, *args, **kwargs):
        return super().__call__(*args, **kwargs)

for base in bases:
    class Bare(base):
        pass

    class Own(base):
        def __init__(self, path, *, rows: int = 3, **more):
            super().__init__(**more)
            self.path, self.rows = path, rows

    class Below(Own):
        pass

    class Alone(base):
        def __init__(self, rows=2):
            self.rows = rows

    class New(base):
        def __new__(cls, path, *more, **keywords):
            made = super().__new__(cls)
            made.path = path
            return made

        def __init__(self, path, size=1):
            pass

    class Named(base, metaclass=Meta):
        pass

    @dataclasses.dataclass(eq=False)
    class Data(base):
        rows: int = 3
        def __post_init__(self):
            if base is Callback:
                super().__init__()

    class Abstract(base, abc.ABC):
        @abc.abstractmethod
        def size(self): ...

    for cls in (base, Bare, Own, Below, Alone, New, Named, Data):
        print(cls.__name__, inspect.signature(cls), inspect.getfullargspec(cls.__init__))
        print([each.__name__ for each in cls.__mro__])
        print(cls.__new__ is object.__new__, cls.__init__ is object.__init__, sorted(vars(cls)), hints(cls.__init__))
        print(cls.__name__, cls.__qualname__, cls.__module__, repr(cls.__doc__)[:50], cls.__init__.__qualname__)
        print(getattr(cls.__init__, "__module__", ""), getattr(cls.__init__, "__doc__", ""))
    for make in (
        lambda: New("a", 2).path,
        lambda: Abstract(),
        lambda: base(1, 2, 3, 4, 5, 6, no_such=1),
        lambda: Own("a", nothing=1),
    ):
        try:
            print(make())
        except Exception as error:
            print(type(error).__name__, error)

@functools.singledispatch
def kind(thing):
    return "other"
kind.register(Callback, lambda thing: "callback")
class Mine(Callback):
    def __init__(self, rows=3):
        super().__init__()
        self.rows = rows
mine = Mine(4)
print(kind(mine), copy.copy(mine).rows, copy.deepcopy(mine).rows, pickle.loads(pickle.dumps(mine)).rows)
print(sorted(vars(mine)))
for thing in (Callback, Callback.__init__):
    print(pickle.loads(pickle.dumps(thing)) is thing)
print(inspect.signature(keras.Model.fit), inspect.getfullargspec(keras.Model.fit), inspect.getsource(Callback.__init__))
config = {{"batch_size": 64, "workers": 4, "lr": 1e-3}}
for base in bases:
    print([name for name in config if name in inspect.signature(base).parameters])
"""
LIBRARIES = {
    "torch": {
        "imports": "import keras\nfrom torch.utils.data import DataLoader",
        "sequence": "keras.utils.PyDataset",
        "bases": "(Callback, Sequence, DataLoader)",
    },
    "tf_keras": {
        "imports": "import tf_keras as keras",
        "sequence": "keras.utils.Sequence",
        "bases": "(Callback, Sequence)",
    },
}


@pytest.mark.parametrize("library", ["torch", pytest.param("tf_keras", marks=pytest.mark.long)])
def test_patched_classes_and_their_subclasses_look_like_the_originals(user: Project, library: str) -> None:
    user.write(train=LOOKS.format(**LIBRARIES[library]))
    plain = user.python("train.py")
    assert plain.returncode == 0, plain.stderr[-2000:]
    for role in ("watch", "treat", "scout"):
        launched = user.launch("train.py", role=role, treatments=[], process_changes=[])
        assert (launched.returncode, launched.stdout.splitlines()) == (0, plain.stdout.splitlines()), launched.stderr[
            -2000:
        ]
