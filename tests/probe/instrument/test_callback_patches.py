"""Replacing a callback's hooks leaves no trace on the callback, and is undone."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import warnings
import weakref
from typing import Any

import pytest

from fitdoctor.probe.instrument import callback_patches
from fitdoctor.probe.observe import describe
from fitdoctor.probe.support.hidden_frames import hide_frame
from fitdoctor.probe.support.wrapping import resemble


class Base:
    def on_epoch_end(self, epoch: int) -> str:
        return f"base {epoch} {type(self).__name__}"


class Derived(Base):
    def on_epoch_end(self, epoch: int) -> str:
        return "derived " + super().on_epoch_end(epoch)


class Inherits(Base):
    pass


class OnInstance(Base):
    def __init__(self) -> None:
        self.on_epoch_end = lambda epoch: f"own {epoch}"  # type: ignore[method-assign,assignment]


class Frozen:
    __slots__ = ()
    on_epoch_end = len  # not a Python function


def counting(calls: list[int]) -> Any:
    def around(function: Any) -> Any:
        def timed(*arguments: Any) -> Any:
            calls.append(arguments[-1])
            return function(*arguments)

        return timed

    return around


@pytest.mark.parametrize("kind", [Base, Derived, Inherits, OnInstance])
def test_a_hook_is_replaced_and_restored(kind: Any) -> None:
    callback, other, calls = kind(), kind(), list[int]()
    state, names, expected = dict(vars(callback)), set(vars(kind)), callback.on_epoch_end(3)
    restore = callback_patches.replace(callback, "on_epoch_end", counting(calls))
    assert callback.on_epoch_end(3) == expected
    assert other.on_epoch_end(3) == expected
    assert calls == [3]
    restore()
    assert callback.on_epoch_end(3) == expected
    assert (calls, dict(vars(callback)), set(vars(kind))) == ([3], state, names)
    assert "_ClassHook" not in str(vars(kind))


def test_a_callback_is_copied_and_pickled_as_if_not_patched() -> None:
    callback, calls = Derived(), list[int]()
    before = pickle.dumps(callback)
    restore = callback_patches.replace(callback, "on_epoch_end", counting(calls))
    assert vars(callback) == {}
    assert pickle.dumps(callback) == before
    for made in (copy.copy(callback), copy.deepcopy(callback), pickle.loads(before)):
        assert made.on_epoch_end(1) == "derived base 1 Derived"
    assert calls == []
    assert copy.copy(vars(Derived)["on_epoch_end"])(callback, 2) == "derived base 2 Derived"
    assert Derived.on_epoch_end(callback, 2) == "derived base 2 Derived"
    restore()


@pytest.mark.parametrize("kind", [Base, Derived, Inherits, OnInstance])
def test_a_replacement_has_the_name_and_signature_of_the_hook(kind: Any) -> None:
    callback = kind()

    def asked() -> list[Any]:
        hook = callback.on_epoch_end
        return [
            inspect.ismethod(hook),
            inspect.signature(hook),
            inspect.getsource(hook),
            hook.__name__,
            hook.__qualname__,
            hook.__doc__,
            hasattr(hook, "__func__"),
        ]

    before = asked()
    restore = callback_patches.replace(callback, "on_epoch_end", counting([]))
    assert asked() == before
    assert callback.on_epoch_end == callback.on_epoch_end
    if kind is not OnInstance:
        assert weakref.WeakMethod(callback.on_epoch_end)()(1) == kind().on_epoch_end(1)
    restore()


def test_several_callbacks_of_one_class_and_its_base_are_replaced() -> None:
    callbacks, calls = [Base(), Derived(), Derived()], list[int]()
    undos = [callback_patches.replace(each, "on_epoch_end", counting(calls)) for each in callbacks]
    assert [each.on_epoch_end(number) for number, each in enumerate(callbacks)] == [
        "base 0 Base",
        "derived base 1 Derived",
        "derived base 2 Derived",
    ]
    assert calls == [0, 1, 2]
    assert all(callback_patches.is_replaced(each, "on_epoch_end") for each in callbacks)
    undos[1]()
    callbacks[1].on_epoch_end(1)
    callbacks[2].on_epoch_end(2)
    assert calls == [0, 1, 2, 2]
    for undo in undos:
        undo()
    assert not any(callback_patches.is_replaced(each, "on_epoch_end") for each in callbacks)
    assert [each.on_epoch_end(0) for each in callbacks][1] == "derived base 0 Derived"


def test_a_hook_that_somebody_else_sets_meanwhile_stays() -> None:
    callback = OnInstance()
    restore = callback_patches.replace(callback, "on_epoch_end", lambda function: lambda epoch: "ours")
    callback.on_epoch_end = lambda epoch: "theirs"  # type: ignore[method-assign,assignment]
    restore()
    assert callback.on_epoch_end(1) == "theirs"


def test_a_callback_that_can_not_be_changed_raises() -> None:
    with pytest.raises(AttributeError):
        callback_patches.replace(Frozen(), "on_epoch_end", lambda function: lambda epoch: "ours")


def warn() -> None:
    warnings.warn("said of the line that called", stacklevel=2)


def test_a_warning_names_the_caller_of_the_hook() -> None:
    @hide_frame
    def ours() -> None:
        warn()

    with pytest.warns(UserWarning, match="said of the line") as seen:
        ours()
    (warning,) = seen
    assert (warning.filename, warning.lineno) == (__file__, sys._getframe().f_lineno - 2)


ASKED: list[str] = []


class Loud(type):
    def __setattr__(cls, name: str, value: Any) -> None:
        ASKED.append(f"set {name}")
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        ASKED.append(f"delete {name}")
        super().__delattr__(name)

    def __getattribute__(cls, name: str) -> Any:
        ASKED.append(f"get {name}")
        return super().__getattribute__(name)


class Counting(metaclass=Loud):
    def __getattribute__(self, name: str) -> Any:
        ASKED.append(name)
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        ASKED.append(name)
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        ASKED.append(f"set {name}")
        super().__setattr__(name, value)

    def on_epoch_end(self, epoch: int) -> int:
        return epoch


class CountingOnInstance(Counting):
    def __init__(self) -> None:
        self.__dict__["on_epoch_end"] = lambda epoch: epoch


class CountingBuiltIn(Counting):
    on_epoch_end = len


@pytest.mark.parametrize("kind", [Counting, CountingOnInstance, CountingBuiltIn])
def test_no_code_of_the_scripts_runs_where_hooks_are_replaced(kind: Any) -> None:
    callback, calls = kind(), list[int]()
    ASKED.clear()
    restore = callback_patches.replace(callback, "on_epoch_end", counting(calls))
    assert callback_patches.is_replaced(callback, "on_epoch_end") == (kind is Counting)
    assert callback_patches.hook_of(callback, "on_epoch_end")
    assert callback_patches.hook_of(callback, "on_other") is None
    assert ASKED == []
    if kind is not CountingBuiltIn:
        assert callback.on_epoch_end(3) == 3
        assert calls == [3]
    ASKED.clear()
    restore()
    assert ASKED == []


class OnProperty:
    @property
    def on_epoch_end(self) -> Any:
        ASKED.append("property")
        return lambda epoch: epoch


def test_a_hook_that_code_gives_is_left_alone() -> None:
    ASKED.clear()
    with pytest.raises(AttributeError):
        callback_patches.replace(OnProperty(), "on_epoch_end", counting([]))
    assert ASKED == []


def test_no_code_of_the_scripts_runs_where_callbacks_are_described() -> None:
    callback, plain = Counting(), Base()
    ASKED.clear()
    described, _ = describe.callbacks([callback, plain])
    assert [each for each in ASKED if not each.startswith("get __")] == []
    assert (described.name, described.own) == ("Counting", True)


def test_what_stands_in_has_the_defaults_of_the_original() -> None:
    def original(x: int, y: int = 3, *, z: int = 4) -> tuple[int, int, int]:
        return x, y, z

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    resemble(wrapper, original)
    assert (wrapper.__defaults__, wrapper.__kwdefaults__) == ((3,), {"z": 4})
    assert (wrapper(1), wrapper(1, 2, z=5)) == ((1, 3, 4), (1, 2, 5))
    assert inspect.signature(wrapper) == inspect.signature(original)
    assert inspect.getfullargspec(wrapper) == inspect.getfullargspec(original)
