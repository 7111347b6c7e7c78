"""The seams in Keras' `fit`, on every backend: where a probe stands is said in `places`, what it does there here.

Everything is put in at class level when Keras was imported. Where a Keras lacks a place, the others serve, and the
report says what is not seen.
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
from fitdoctor.probe.instrument.batch_waits import Draws
from fitdoctor.probe.instrument.patch_points import Place, places
from fitdoctor.probe.support import guard
from fitdoctor.probe.support.hidden_frames import unnoticed
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import Rest

OLDEST = (3, 5)
NEWEST = (3, 15)
"""The newest Keras whose seams a test has pinned."""

Original = Callable[..., Any]


class Role(Protocol):
    """What decides about the calls that a script makes: it gets the original and the arguments, and returns the result.

    Attributes:
        stamped: Hooks that it lets through as they are, and what its timer notes before and after each.
        cuts: Whether it may end an epoch early.
        timer: Of the fit that runs.
        current_call: The `predict` or the like that runs, or None.
        main: The thread that it follows.
        rest: What the seams of steps read while none is looked at.
        rests: Set where they do, as what counts such steps stands.
    """

    timer: FitTimer | None
    current_call: Any
    main: int
    rest: Rest
    rests: bool

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
    """Why this Keras can't be observed, or an empty string."""
    if keras.__name__ == backends.LEGACY:
        return tf_keras.declined(keras)
    version = str(keras.__version__)
    if _parts(keras) < OLDEST:
        return f"Received Keras {version}, expected Keras {OLDEST[0]}.{OLDEST[1]} or later. Upgrade Keras in the script's environment."
    backend = keras.config.backend()
    if backend not in backends.KNOWN:
        words = " or ".join(backends.KNOWN)
        return f"Received a script on the {backend} backend of Keras, expected {words}. Run it with KERAS_BACKEND={backends.KNOWN[0]}."
    return ""


def tell_of_fit(keras: ModuleType, told: Callable[[], None]) -> None:
    """Tells, for good, each time that a fit is about to begin, and puts in nothing else."""
    patches = Patches()
    trainer = next(cls for cls in keras.Model.__mro__ if "fit" in cls.__dict__)

    def fit(original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        told()
        return original(model, *arguments, **keywords)

    _around(patches, Place(kind="unit", owner=trainer, owner_name=trainer.__name__, name="fit", without=""), fit)


def lacking(keras: ModuleType) -> Iterator[str]:
    """A sentence for each place that this Keras does not have, and a warning where it is newer than any that was
    tested.
    """
    if _parts(keras) > NEWEST:
        newest = f"{NEWEST[0]}.{NEWEST[1]}"
        yield (
            f"Keras {keras.__version__} is newer than {newest}, the newest that this fitdoctor was tested with: what is told here holds as "
            "far as its insides are as before. Look for a newer fitdoctor."
        )
    for place in places(keras):
        if not place.found:
            yield place.missing


def _parts(keras: ModuleType) -> tuple[int, ...]:
    return tuple(int(part) for part in str(keras.__version__).split(".")[:2] if part.isdigit())


def install(keras: ModuleType, role: Role, *, whole_process: bool = True) -> Patches:
    """Puts the seams in; the result takes them out again.

    Args:
        keras: The module.
        role: What decides from now on.
        whole_process: Whether they stay for good. Where not, nobody learns where callbacks are made.
    """
    patches = Patches()
    legacy = keras.__name__ == backends.LEGACY
    timed = backends.of(keras).drawn_in() == "loop"
    for place in places(keras):
        if place.found and place.kind != "computed" and (role.cuts or timed or place.kind != "advance"):
            stamped = _stamped(place, role, patches)
            if stamped is not None:
                patches.put(place.owner, place.name, unnoticed(stamped))
            else:
                _around(patches, place, _decision(place, role, patches, timed=timed))
    if legacy and role.cuts:
        tf_keras.stand_in_loop(patches, role.stop_here)

    if whole_process:
        torch = backends.loaded("torch")
        loaders = [torch.utils.data.DataLoader] if torch is not None and "torch.utils.data" in sys.modules else []
        for cls in (keras.callbacks.Callback, keras.utils.Sequence if legacy else keras.utils.PyDataset, *loaders):
            _tell_of_objects(cls, role.constructed, patches)
    return patches


def _tell_of_objects(cls: Any, constructed: Callable[[Any], None], patches: Patches) -> None:
    """Tells of each object that a class or a subclass of it makes, as far as it has an `__init__` of its own, and that
    is called.

    A `__new__` would see them all. But whoever reads what a class takes would see it too, and read the parameters of
    this class where a subclass has others.
    """
    original = vars(cls).get("__init__")
    if not isinstance(original, FunctionType):
        return

    def wrapper(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        constructed(args[0])

    patches.put(cls, "__init__", unnoticed(wrapper))


def _stamped(place: Place, role: Role, patches: Patches) -> Callable[..., Any] | None:
    """The seam of a place that every step goes through, where it is nothing but a stamp on either side."""
    original = getattr(place.owner, place.name)
    if place.kind == "hook" and place.name in role.stamped and step_hooks.suits(original):
        role.rests |= place.name == "on_train_batch_end"
        return step_hooks.hook(role, place.name, original, patches, role.stamped[place.name])
    if place.kind == "advance" and role.stamped and not role.cuts:
        return step_hooks.advance(role, original)
    return None


def _decision(place: Place, role: Role, patches: Patches, *, timed: bool) -> Callable[..., Any]:
    """What is done at a place, with the original in hand."""

    def compile_(original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        result = original(model, *arguments, **keywords)
        role.compiled(model)
        return result

    def advance(original: Original, iterator: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if role.stop_here(iterator):
            # A suspended generator would keep the input alive in a cycle until the interpreter's shutdown, which then
            # may hang.
            iterator._epoch_iterator.close()
            # what stands behind the loop that was closed: a `PyDataset` insists on it
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
        return Draws(batches, role.rest, role.batch_waited) if guard.guarded(role.draws_training_batch) else batches

    if place.kind in ("unit", "hook"):
        return functools.partial(role.unit if place.kind == "unit" else role.hook, place.name)
    return {"compile": compile_, "advance": advance, "steps": steps, "draws": draws}[place.kind]


def _around(
    patches: Patches, place: Place, decide: Callable[[Original, Any, tuple[Any, ...], dict[str, Any]], Any]
) -> None:
    original = getattr(place.owner, place.name)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not patches.live or not args:
            return original(*args, **kwargs)
        return decide(original, args[0], args[1:], kwargs)

    patches.put(place.owner, place.name, unnoticed(wrapper))
