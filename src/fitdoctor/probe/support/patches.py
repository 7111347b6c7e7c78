"""Replaces attributes of other people's classes and modules, and puts them back as they were.

A child process never puts anything back: it ends. In a notebook the patches stand for a moment only, and several may
stand on top of each other, to be taken out in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


_INHERITED = object()
"""Stands for what the owner itself does not have."""

_layers: dict[tuple[int, str], list[_Layer]] = {}
"""What stands on an attribute, the lowest first."""


class Patches:
    """A set of replaced attributes that come and go together.

    Attributes:
        live: Whether they are in force. A replacement that something else was put on top of can't be taken out at once:
            it must look here, and do what the original does.

    Example:
        >>> patches = Patches()
        >>> patches.put(json, "dumps", repr)
        >>> patches.undo()
    """

    def __init__(self) -> None:
        self.live = True
        self._mine: list[_Layer] = []

    def put(self, owner: Any, name: str, replacement: Any) -> None:
        """Replaces an attribute that `owner` has, itself or by inheritance.

        A function then looks like the one that was there.
        """
        own = _own(owner)
        resemble(replacement, own.get(name) or _inherited(owner, name))
        layer = _Layer(owner, name, own.get(name, _INHERITED), replacement)
        _set(owner, name, replacement)
        _layers.setdefault((id(owner), name), []).append(layer)
        self._mine.append(layer)

    def put_call(self, module: Any, call: str, wrap: Callable[[Any], Any]) -> None:
        """Replaces what a dotted name leads to from a module on, such as "tf.debugging.enable_check_numerics", where it
        is there.

        Args:
            module: What the name's first part stands for.
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
        """Puts the originals back; what lies below a replacement of somebody else's goes with that one.

        May be called twice.
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
    """What a class holds itself, without code of a metaclass of the script's; or a module or an object."""
    return static_attributes.names(owner) if isinstance(owner, type) else vars(owner)


def _inherited(owner: Any, name: str) -> Any:
    """The attribute, which need not be the owner's own: a class of the script's may stand above it."""
    return static_attributes.on_class(owner, name) if isinstance(owner, type) else getattr(owner, name, None)


def _set(owner: Any, name: str, value: Any) -> None:
    (type.__setattr__ if isinstance(owner, type) else setattr)(owner, name, value)


def _remove(owner: Any, name: str) -> None:
    (type.__delattr__ if isinstance(owner, type) else delattr)(owner, name)
