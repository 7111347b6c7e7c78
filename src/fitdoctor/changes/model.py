"""The kinds of change: one edit to a training, as data.

A remedy is a list of changes. `probe.apply.live` applies them to live objects in the user's process. A writer turns the
same data into a diff of the source. Standard library only, since the probe imports it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from fitdoctor.changes.allowed import problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a change is made: a line of the user's file, and the position of a pipeline's stage."""

    file: str
    line: int
    position: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The base of all kinds. `place` is the call that is edited."""

    kind: ClassVar[str] = ""
    place: Place

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetArgument(Change):
    """Set one argument of a call, such as `run_eagerly=False` of `Model.compile`.

    `index` selects a callback of fit's list.
    """

    kind: ClassVar[str] = "set-argument"
    call: str
    argument: str
    value: Any
    index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertCall(Change):
    """Insert a call after the one at `place`, such as `.prefetch(2)`."""

    kind: ClassVar[str] = "insert-call"
    call: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapCalls(Change):
    """Run the map at `place` on whole batches, after the `batch` at `batch`.

    `vectorized` wraps it in `tf.vectorized_map`.
    """

    kind: ClassVar[str] = "swap-calls"
    batch: Place
    vectorized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCall(Change):
    """Move the stage at `place` behind the one at `behind`."""

    kind: ClassVar[str] = "move-call"
    behind: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertArgument(Change):
    """Convert an argument of the call once, before the call: each array becomes a plain array in memory.

    `dtypes` maps element types to their new types. Other types stay. If the argument is an object that holds the data,
    `attribute` names its attribute.
    """

    kind: ClassVar[str] = "convert-argument"
    call: str
    argument: str
    attribute: str = ""
    dtypes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceCall(Change):
    """Call another method with the same data, such as `predict_on_batch` in place of `predict`."""

    kind: ClassVar[str] = "replace-call"
    call: str
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCall(Change):
    """Remove a call, such as `tf.debugging.enable_check_numerics()`."""

    kind: ClassVar[str] = "remove-call"
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Precompute(Change):
    """Run an iterable that is an argument of the call once, and feed its elements as arrays."""

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
    """Put a layer in front of the model that scales parts of an argument to zero mean and unit deviation.

    `parts` have the names of recorded inputs: `x`, `x['age']`. With `together`, all features of a part share one mean
    and one scale.
    """

    kind: ClassVar[str] = "scale-input"
    call: str
    argument: str
    parts: list[str] = field(default_factory=list)
    together: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEnvironment(Change):
    """Set a variable of the environment before the process starts, or remove it if `value` is None.

    `place` is the line of the script that sets it today, or line 0 if it is set outside of the script.
    """

    kind: ClassVar[str] = "set-environment"
    name: str
    value: str | None


# Calls outside of a pipeline that decide how the input is made.
INPUT_CALLS = frozenset({"PyDataset", "DataLoader", "tf.data.experimental.enable_debug_mode"})

# The arguments of a `PyDataset`'s workers. On tf_keras they are arguments of `Model.fit`.
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

# Kinds that always edit the input. An argument may be one of a stage: its place then has a position in the chain.
OF_INPUT = frozenset({"insert-call", "swap-calls", "move-call", "precompute", "convert-argument"})


def edits_input(change: dict[str, Any]) -> bool:
    """Whether a change, as data, edits the input: a stage of its pipeline, the data, or how the data is made."""
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
