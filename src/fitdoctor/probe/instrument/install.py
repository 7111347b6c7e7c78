"""Patches Keras' `fit`, on every backend. `patch_points` says where, and this module what the patches do.

Classes are patched, right after Keras was imported. Where a Keras lacks a patch point, the others are patched, and the
report says what is not observed.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, Protocol

from fitdoctor.probe import backends
from fitdoctor.probe.backends import tf_keras
from fitdoctor.probe.instrument import step_hooks
from fitdoctor.probe.instrument.batch_waits import TimedBatches
from fitdoctor.probe.instrument.patch_points import PatchPoint, patch_points
from fitdoctor.probe.support import guard
from fitdoctor.probe.support.hidden_frames import hide_frame
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import StepSkip

# The oldest Keras that is supported.
OLDEST = (3, 5)
# The newest Keras whose patch points are pinned by a test.
NEWEST = (3, 15)

Original = Callable[..., Any]


class Role(Protocol):
    """Decides about the calls that a script makes. It gets the original and the arguments, and returns the result.

    Attributes:
        stamped: Hooks about which it decides nothing, with the stamps of its timer before and after each.
        cuts: Whether it may end an epoch early.
        timer: Times the fit that runs.
        current_call: The `predict` or the like that runs, or None.
        main: The thread that is followed.
        step_skip: The state of step sampling.
        skips_steps: Whether steps may be skipped. It is set here, once the hook that counts skipped steps is patched.
    """

    timer: FitTimer | None
    current_call: Any
    main: int
    step_skip: StepSkip
    skips_steps: bool

    @property
    def stamped(self) -> Mapping[str, step_hooks.Stamps]: ...

    @property
    def cuts(self) -> bool: ...

    def unit(
        self, kind: str, original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any: ...

    def hook(
        self, name: str, original: Original, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any: ...

    def stop_here(self, iterator: Any) -> bool: ...

    def batch_waited(self, seconds: float) -> None: ...

    def draws_training_batch(self) -> bool: ...

    def compiled(self, model: Any) -> None: ...

    def constructed(self, callback: Any) -> None: ...


def declined(keras: ModuleType) -> str:
    """Returns why this Keras can't be observed, or an empty string."""
    if keras.__name__ == backends.LEGACY:
        return tf_keras.declined(keras)
    version = str(keras.__version__)
    if _parts(keras) < OLDEST:
        return (
            f"Received Keras {version}, expected Keras {OLDEST[0]}.{OLDEST[1]} or later. "
            "Upgrade Keras in the script's environment."
        )
    backend = keras.config.backend()
    if backend not in backends.KNOWN:
        words = " or ".join(backends.KNOWN)
        return (
            f"Received a script on the {backend} backend of Keras, expected {words}. "
            f"Run it with KERAS_BACKEND={backends.KNOWN[0]}."
        )
    return ""


def notify_of_fits(keras: ModuleType, on_fit: Callable[[], None]) -> None:
    """Calls `on_fit` before each fit of this process, and patches nothing else."""
    patches = Patches()
    trainer = next(cls for cls in keras.Model.__mro__ if "fit" in cls.__dict__)

    def fit(original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        on_fit()
        return original(model, *arguments, **keywords)

    _patch(patches, PatchPoint(kind="unit", owner=trainer, owner_name=trainer.__name__, name="fit", without=""), fit)


def missing(keras: ModuleType) -> Iterator[str]:
    """Yields a sentence for each patch point that this Keras lacks.

    The first one is a warning if this Keras is newer than any that was tested.
    """
    if _parts(keras) > NEWEST:
        newest = f"{NEWEST[0]}.{NEWEST[1]}"
        yield (
            f"Keras {keras.__version__} is newer than {newest}, the newest that this fitdoctor was tested with. "
            "The report is right as far as the inside of Keras has not changed. Look for a newer fitdoctor."
        )
    for point in patch_points(keras):
        if not point.found:
            yield point.missing


def _parts(keras: ModuleType) -> tuple[int, ...]:
    return tuple(int(part) for part in str(keras.__version__).split(".")[:2] if part.isdigit())


def install(keras: ModuleType, role: Role, *, whole_process: bool = True) -> Patches:
    """Patches Keras. `undo()` of the result restores it.

    Args:
        keras: The module.
        role: Decides from now on.
        whole_process: Whether the patches stay for good. Only then are the call sites of callbacks recorded.
    """
    patches = Patches()
    legacy = keras.__name__ == backends.LEGACY
    loop_reads = backends.of(keras).drawn_in() == "loop"
    for point in patch_points(keras):
        if point.found and point.kind != "computed" and (role.cuts or loop_reads or point.kind != "advance"):
            stamped = _stamped(point, role, patches)
            if stamped is not None:
                patches.put(point.owner, point.name, hide_frame(stamped))
            else:
                _patch(patches, point, _decision(point, role, patches, timed=loop_reads))
    if legacy and role.cuts:
        tf_keras.stand_in_loop(patches, role.stop_here)

    if whole_process:
        torch = backends.loaded("torch")
        loaders = [torch.utils.data.DataLoader] if torch is not None and "torch.utils.data" in sys.modules else []
        for cls in (keras.callbacks.Callback, keras.utils.Sequence if legacy else keras.utils.PyDataset, *loaders):
            _notify_of_objects(cls, role.constructed, patches)
    return patches


def _notify_of_objects(cls: Any, constructed: Callable[[Any], None], patches: Patches) -> None:
    """Calls `constructed` for each object of a class or a subclass, as far as the class's own `__init__` is called.

    A `__new__` would get them all. But then `inspect.signature` of a subclass would show that one's parameters.
    """
    original = vars(cls).get("__init__")
    if not isinstance(original, FunctionType):
        return

    def wrapper(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        constructed(args[0])

    patches.put(cls, "__init__", hide_frame(wrapper))


def _stamped(point: PatchPoint, role: Role, patches: Patches) -> Callable[..., Any] | None:
    """Makes the patch of a function that is called at every step, or None if the role decides about it."""
    original = getattr(point.owner, point.name)
    if point.kind == "hook" and point.name in role.stamped and step_hooks.has_known_parameters(original):
        role.skips_steps |= point.name == "on_train_batch_end"
        return step_hooks.hook(role, point.name, original, patches, role.stamped[point.name])
    if point.kind == "advance" and role.stamped and not role.cuts:
        return step_hooks.advance(role, original)
    return None


def _decision(point: PatchPoint, role: Role, patches: Patches, *, timed: bool) -> Callable[..., Any]:
    """Makes the function that is called instead of the original, which it gets."""

    def compile_(original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        result = original(model, *arguments, **keywords)
        role.compiled(model)
        return result

    def advance(original: Original, iterator: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if role.stop_here(iterator):
            # A suspended generator would keep the input alive in a cycle until the interpreter's shutdown, which then
            # may hang.
            iterator._epoch_iterator.close()
            # Keras does this behind the loop that was closed. A `PyDataset` depends on it.
            iterator.data_adapter.on_epoch_end()
            raise StopIteration
        if not timed:
            return original(iterator)
        began_s = time.perf_counter()
        try:
            return original(iterator)
        finally:
            role.batch_waited(time.perf_counter() - began_s)

    def steps(original: Original, iterator: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Iterator[Any]:
        inner = original(iterator)
        while True:
            if role.stop_here(iterator):
                inner.close()
                iterator.data_adapter.on_epoch_end()
                return
            began_s = time.perf_counter()
            try:
                step = next(inner)
            except StopIteration:
                return
            finally:
                if timed:
                    role.batch_waited(time.perf_counter() - began_s)
            yield step

    def draws(original: Original, iterator: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        batches = original(iterator, *arguments, **keywords)
        if not guard.guarded(role.draws_training_batch):
            return batches
        return TimedBatches(batches, role.step_skip, role.batch_waited)

    if point.kind in ("unit", "hook"):
        return functools.partial(role.unit if point.kind == "unit" else role.hook, point.name)
    return {"compile": compile_, "advance": advance, "steps": steps, "draws": draws}[point.kind]


def _patch(
    patches: Patches, point: PatchPoint, decide: Callable[[Original, Any, tuple[Any, ...], dict[str, Any]], Any]
) -> None:
    original = getattr(point.owner, point.name)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not patches.live or not args:
            return original(*args, **kwargs)
        return decide(original, args[0], args[1:], kwargs)

    patches.put(point.owner, point.name, hide_frame(wrapper))
