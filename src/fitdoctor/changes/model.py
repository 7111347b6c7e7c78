"""The kinds of change: one edit to a training, as data.

A remedy is a list of these. `probe.apply.live` carries them out on live objects in the user's process; the same data is
what a writer turns into a diff of the source. Standard library only, since the probe imports it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from fitdoctor.changes.allowed import problem


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
    """Set one argument of a call, e.g.

    `run_eagerly=False` of `Model.compile`. `index` picks a callback of fit's list.
    """

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
    """Run the map at `place` on whole batches:

    behind the `batch` at `batch`. `vectorized` wraps it in `tf.vectorized_map`.
    """

    kind: ClassVar[str] = "swap-calls"
    batch: Place
    vectorized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCall(Change):
    """Take the stage at `place` out of its chain and put it behind the one at `behind`."""

    kind: ClassVar[str] = "move-call"
    behind: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertArgument(Change):
    """Convert what is given as an argument of the call once, before it: each array in it becomes a plain one in memory.

    `dtypes` maps types of elements to those that they become; others stay as they are. `attribute` is the one of the
    argument that is meant, where it is an object that holds the data.
    """

    kind: ClassVar[str] = "convert-argument"
    call: str
    argument: str
    attribute: str = ""
    dtypes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceCall(Change):
    """Call another method with the same data, e.g. `predict_on_batch` in place of `predict`."""

    kind: ClassVar[str] = "replace-call"
    call: str
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCall(Change):
    """Leave a call out, e.g. `tf.debugging.enable_check_numerics()`."""

    kind: ClassVar[str] = "remove-call"
    call: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleInput(Change):
    """Put a layer in front of the model that brings parts of an argument of the call to zero mean and unit scale.

    `parts` are named as recorded inputs are: `x`, `x['age']`. With `together`, all features of a part get one mean and
    one scale.
    """

    kind: ClassVar[str] = "scale-input"
    call: str
    argument: str
    parts: list[str] = field(default_factory=list)
    together: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEnvironment(Change):
    """Set a variable of the environment before the process starts, or leave it out where `value` is None.

    `place` is the line of the script that sets it today, or line 0 where it comes from outside.
    """

    kind: ClassVar[str] = "set-environment"
    name: str
    value: str | None


# Calls outside a pipeline that decide how the input is made.
INPUT_CALLS = frozenset({"PyDataset", "DataLoader", "tf.data.experimental.enable_debug_mode"})

# How a `PyDataset` is read. In tf_keras these are arguments of `Model.fit`.
WORKER_ARGUMENTS = ("workers", "use_multiprocessing", "max_queue_size")

KINDS: dict[str, type[Change]] = {
    cls.kind: cls
    for cls in (
        SetArgument,
        InsertCall,
        SwapCalls,
        MoveCall,
        ConvertArgument,
        ReplaceCall,
        RemoveCall,
        Precompute,
        ThrottleHook,
        ScaleInput,
        SetEnvironment,
    )
}

# Kinds that always edit the input. An argument may also be one of a stage: then its place has a position in the chain.
OF_INPUT = frozenset({"insert-call", "swap-calls", "move-call", "precompute", "convert-argument"})


def edits_input(change: dict[str, Any]) -> bool:
    """Whether a change, as data, is one of the input:

    of a stage of its pipeline, of what `fit` is given, or of how that is made.
    """
    by_workers = change.get("call") == "Model.fit" and change.get("argument") in WORKER_ARGUMENTS
    return (
        by_workers
        or change["kind"] in OF_INPUT
        or change.get("call") in INPUT_CALLS
        or change.get("place", {}).get("position", -1) >= 0
    )


def from_data(data: dict[str, Any]) -> Change:
    """Builds the change that `Change.to_data` described.

    Raises:
        ValueError: The kind is unknown, as the recording comes from another version, or it names what no change may
            name.
    """
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of change: received {kind!r}, expected one of {sorted(KINDS)}.")
    if why := problem(kind, fields):
        raise ValueError(f"Received a change of the kind {kind}, and {why}.")
    for key in ("place", "batch", "behind"):
        if isinstance(fields.get(key), dict):
            fields[key] = Place(**fields[key])
    return KINDS[kind](**fields)
