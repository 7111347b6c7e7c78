"""Replaced attributes are restored exactly, in any order."""

from __future__ import annotations

import ctypes
from itertools import permutations
from typing import Any

import pytest

from fitdoctor.probe.support.patches import Patches


class Owner:
    def method(self) -> str:
        return "original"

    @staticmethod
    def free() -> str:
        return "original"


def around(patches: Patches, name: str) -> Any:
    below = Owner.method

    def wrapper(self: Owner) -> str:
        return f"{name}({below(self)})" if patches.live else below(self)

    return wrapper


def test_the_original_is_restored() -> None:
    before = dict(vars(Owner))
    patches = Patches()
    patches.put(Owner, "method", around(patches, "a"))
    patches.put(Owner, "free", staticmethod(lambda: "another"))
    assert (Owner().method(), Owner.free()) == ("a(original)", "another")
    patches.undo()
    patches.undo()
    assert dict(vars(Owner)) == before


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_patches_are_undone_in_any_order(order: tuple[int, ...]) -> None:
    before = vars(Owner)["method"]
    layers = [Patches() for _ in range(3)]
    for name, patches in zip("abc", layers, strict=True):
        patches.put(Owner, "method", around(patches, name))
    assert Owner().method() == "c(b(a(original)))"
    for number in order:
        layers[number].undo()
        gone = "abc"[number]
        assert gone not in Owner().method().replace("original", "")
    assert vars(Owner)["method"] is before


def test_a_later_replacement_of_others_stays() -> None:
    before = vars(Owner)["method"]
    patches = Patches()
    patches.put(Owner, "method", around(patches, "ours"))
    below = Owner.method
    Owner.method = lambda self: f"theirs({below(self)})"  # type: ignore[method-assign]
    patches.undo()
    assert Owner().method() == "theirs(original)"
    Owner.method = before  # type: ignore[method-assign]


def test_classes_with_a_metaclass_in_c_are_patched() -> None:
    class Point(ctypes.Structure):
        def norm(self) -> int:
            return 1

    original, patches = Point.norm, Patches()
    patches.put(Point, "norm", lambda self: 2)
    assert Point().norm() == 2
    patches.undo()
    assert Point.norm is original
