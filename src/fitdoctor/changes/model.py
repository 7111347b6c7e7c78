"""The kinds of change: one edit to a training, as data.

A remedy is a list of these. `changes.apply` carries them out on live objects in the user's process; the same data is what a
writer turns into a diff of the source. Standard library only, since the probe imports it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a change is made: a line of the user's file, and for stages of a pipeline the position in the chain."""

    file: str
    line: int
    position: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Base of all kinds. `place` is the call that is edited."""

    kind: ClassVar[str] = ""
    place: Place

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetArgument(Change):
    """Set one argument of a call, e.g. `run_eagerly=False` of `Model.compile`. `index` picks a callback of fit's list."""

    kind: ClassVar[str] = "set-argument"
    call: str
    argument: str
    value: Any
    index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertCall(Change):
    """Put a call behind the one at `place`, e.g. `.prefetch(2)`."""

    kind: ClassVar[str] = "insert-call"
    call: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapCalls(Change):
    """Run the map at `place` on whole batches: behind the `batch` at `batch`. `vectorized` wraps it in `tf.vectorized_map`."""

    kind: ClassVar[str] = "swap-calls"
    batch: Place
    vectorized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceCall(Change):
    """Call another method with the same data, e.g. `predict_on_batch` in place of `predict`."""

    kind: ClassVar[str] = "replace-call"
    call: str
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Precompute(Change):
    """Run the Python iterable that is an argument of the call once, and feed what it gave as arrays."""

    kind: ClassVar[str] = "precompute"
    call: str
    argument: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleHook(Change):
    """Run a callback's hook only on every n-th call."""

    kind: ClassVar[str] = "throttle-hook"
    call: str
    hook: str
    every: int
    index: int = -1


KINDS: dict[str, type[Change]] = {cls.kind: cls for cls in (SetArgument, InsertCall, SwapCalls, ReplaceCall, Precompute, ThrottleHook)}


def from_data(data: dict[str, Any]) -> Change:
    """Builds the change that `Change.to_data` described.

    Raises:
        ValueError: The kind is unknown: the recording comes from another version.
    """
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of change: received {kind!r}, expected one of {sorted(KINDS)}.")
    for key in ("place", "batch"):
        if isinstance(fields.get(key), dict):
            fields[key] = Place(**fields[key])
    return KINDS[kind](**fields)
