"""Replaces attributes of the frameworks' classes and modules, and restores them.

A child process never restores anything: it ends. In a notebook, patches last for a moment. Several may replace the same
attribute, and they may be undone in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from fitdoctor.probe.support import static_attributes
from fitdoctor.probe.support.wrapping import resemble


@dataclass(slots=True)
class _Layer:
    owner: Any
    name: str
    original: Any
    replacement: Any
    live: bool = True


# The original of an attribute that the owner itself does not have.
_INHERITED = object()
# The replacements of each attribute, the first one first.
_layers: dict[tuple[int, str], list[_Layer]] = {}


class Patches:
    """A set of replaced attributes that are restored together.

    Attributes:
        live: Whether they are active. A replacement can't be removed while another one covers it. It must check this,
            and then only call the original.

    Example:
        >>> patches = Patches()
        >>> patches.put(json, "dumps", repr)
        >>> patches.undo()
    """

    def __init__(self) -> None:
        self.live = True
        self._mine: list[_Layer] = []

    def put(self, owner: Any, name: str, replacement: Any) -> None:
        """Replaces an attribute that `owner` has or inherits. A function gets the original's name and signature."""
        own = _own(owner)
        resemble(replacement, own.get(name) or _inherited(owner, name))
        layer = _Layer(owner, name, own.get(name, _INHERITED), replacement)
        _set(owner, name, replacement)
        _layers.setdefault((id(owner), name), []).append(layer)
        self._mine.append(layer)

    def put_call(self, module: Any, call: str, wrap: Callable[[Any], Any]) -> None:
        """Replaces a function given by a dotted name such as "tf.debugging.enable_check_numerics", if it exists.

        Args:
            module: The module that the first part of the name means.
            call: The name.
            wrap: Gives the replacement of the original.
        """
        _, *path, name = call.split(".")
        owner = module
        for part in path:
            owner = getattr(owner, part, None)
        if owner is not None and name in vars(owner):
            self.put(owner, name, wrap(vars(owner)[name]))

    def undo(self) -> None:
        """Restores the originals. May be called twice.

        A replacement below another active one is restored together with that one.
        """
        self.live = False
        for layer in reversed(self._mine):
            layer.live = False
            stack = _layers[id(layer.owner), layer.name]
            while stack and not stack[-1].live and _own(layer.owner).get(layer.name) is stack[-1].replacement:
                below = stack.pop().original
                if below is _INHERITED:
                    _remove(layer.owner, layer.name)
                else:
                    _set(layer.owner, layer.name, below)
        self._mine.clear()


def _own(owner: Any) -> Mapping[str, Any]:
    """The attributes of a class, a module or an object itself, without code of a script's metaclass."""
    return static_attributes.names(owner) if isinstance(owner, type) else vars(owner)


def _inherited(owner: Any, name: str) -> Any:
    """The attribute of the owner or of a base class."""
    return static_attributes.on_class(owner, name) if isinstance(owner, type) else getattr(owner, name, None)


def _set(owner: Any, name: str, value: Any) -> None:
    (type.__setattr__ if _runs_code(owner, "__setattr__") else setattr)(owner, name, value)


def _remove(owner: Any, name: str) -> None:
    (type.__delattr__ if _runs_code(owner, "__delattr__") else delattr)(owner, name)


def _runs_code(owner: Any, name: str) -> bool:
    """Whether a class has a metaclass whose Python code would run. Metaclasses in C allow only their own function."""
    return isinstance(owner, type) and isinstance(static_attributes.on_class(type(owner), name), FunctionType)
