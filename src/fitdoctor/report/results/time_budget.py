"""Where the time of the training goes, and how much of it can be saved at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the budget. The children of a part sum to it, and the parts to the whole."""

    id: str
    label: str
    s: float
    share: float
    children: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where the time goes."""

    total_s: float
    parts: tuple[Part, ...]
    unattributed_s: float
    # Work that ran while the device computed. It costs no time, and no part holds it.
    overlapped: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The upper limit of all remedies of a kind: the whole training without that cost."""

    kind: Literal["input", "callbacks", "validation"]
    speedup: float
    measured: bool
