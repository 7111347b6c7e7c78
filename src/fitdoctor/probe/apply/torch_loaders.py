"""Changes the workers of a `DataLoader` of PyTorch for a trial, and ends them."""

from __future__ import annotations

import copy
import random
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from fitdoctor.changes.model import Change, SetArgument
from fitdoctor.probe import backends

CALL = "DataLoader"
# Batches that each worker prepares by default, and at most in an idle arm.
PREFETCH_FACTOR = 2
# Samples that are read twice to learn whether reading them draws random numbers.
CHECKED = 4


def settings(changes: list[Change]) -> dict[str, Any]:
    """The arguments of a `DataLoader` that changes set."""
    return {
        change.argument: change.value for change in changes if isinstance(change, SetArgument) and change.call == CALL
    }


def arranged(loader: Any, changes: list[Change], *, steady: bool, started: weakref.WeakSet[Any] | None = None) -> Any:
    """A copy of the loader with changed workers. It shares the data, sampler, generator and collation.

    With workers, each arm gets a copy in any case: a loader that keeps its workers has only one iterator, which another
    arm would restart.

    Args:
        loader: A `DataLoader`.
        changes: Any; only those of the loader are made.
        steady: Whether each worker keeps only a few batches ready, so that the workers of an idle arm soon stop, and
            lives on between epochs, so that its start falls into no measurement.
        started: Gets each iterator with workers, so that they can be ended.

    Raises:
        ValueError: The class of the loader decides about its workers itself.
    """
    wanted = settings(changes)
    if not wanted and not loader.num_workers:
        return loader
    made = copy.copy(loader)
    count = int(wanted.get("num_workers", loader.num_workers))
    ahead = (loader.prefetch_factor or PREFETCH_FACTOR) if count else None
    if steady and ahead is not None:
        ahead = min(ahead, PREFETCH_FACTOR)
    kept = bool(count and (steady or wanted.get("persistent_workers", loader.persistent_workers)))
    attributes = {"num_workers": count, "prefetch_factor": ahead, "persistent_workers": kept}
    vars(made).update(attributes, _iterator=None)  # without the check that forbids it for a loader in use
    if any(getattr(made, name) != value for name, value in attributes.items()):
        raise ValueError(f"the class {type(loader).__name__} decides about its workers itself")
    if started is not None:
        vars(made)["_get_iterator"] = partial(_iterator_of, weakref.ref(made), started)
    return made


def _iterator_of(reference: weakref.ref[Any], started: weakref.WeakSet[Any]) -> Any:
    loader: Any = reference()
    made = type(loader)._get_iterator(loader)
    if hasattr(made, "_shutdown_workers"):
        started.add(made)
    return made


def end(started: weakref.WeakSet[Any]) -> None:
    """Ends the workers of iterators, as PyTorch does when it frees one."""
    for iterator in list(started):
        iterator._shutdown_workers()
    started.clear()


def held(loader: Any) -> int:
    """Batches that the workers may have made or begun in advance."""
    return int(loader.num_workers * (loader.prefetch_factor or PREFETCH_FACTOR))


def keep_random_state(loader: Any) -> Callable[[], None]:
    """Keeps the state of all random generators that a loader may use. The result restores it."""
    from fitdoctor.probe.state.random_state import RandomState

    process = RandomState()
    own = keep_generators([loader])

    def restore() -> None:
        process.restore()
        own()

    return restore


def keep_generators(loaders: Iterable[Any]) -> Callable[[], None]:
    """Keeps the state of the generators of loaders. The result restores it."""
    kept = [(each, each.get_state()) for loader in loaders for each in _generators(loader)]

    def restore() -> None:
        for generator, state in kept:
            generator.set_state(state)

    return restore


def draws(loader: Any) -> bool:
    """Whether samples differ when they are read again, or reading them draws random numbers.

    All generators keep their state.
    """
    restore = keep_random_state(loader)
    try:
        index = next(iter(loader._index_sampler))
        chosen = list(index)[:CHECKED] if loader.batch_sampler is not None else [index]
        before = list(_states())
        one = _read(loader, chosen)
        if before != list(_states()):
            return True
        return one != _read(loader, chosen)
    finally:
        restore()


def _read(loader: Any, chosen: list[Any]) -> bytes:
    """A hash of the batch that a loader makes of some samples."""
    from fitdoctor.probe.apply.materialize import digest

    dataset: Any = loader.dataset
    if loader.batch_sampler is None:
        made = loader.collate_fn(dataset[chosen[0]])
    elif callable(getattr(dataset, "__getitems__", None)):
        made = loader.collate_fn(dataset.__getitems__(chosen))
    else:
        made = loader.collate_fn([dataset[index] for index in chosen])
    torch = backends.loaded("torch")
    assert torch is not None
    parts = backends.tree().flatten(made)
    return digest([part.cpu() if isinstance(part, torch.Tensor) else part for part in parts])


def _states() -> Iterator[str]:
    """The state of each random generator of the process, as a short text."""
    import numpy as np

    torch = backends.loaded("torch")
    yield str(hash(random.getstate()))
    state: Any = np.random.get_state()
    yield f"{hash(state[1].tobytes())} {state[2:]}"
    if torch is not None:
        yield str(hash(torch.get_rng_state().numpy().tobytes()))


def _generators(loader: Any) -> list[Any]:
    """The PyTorch generators of a loader and its samplers."""
    torch = backends.loaded("torch")
    assert torch is not None
    owners = [loader, loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None)]
    found = [getattr(owner, "generator", None) for owner in owners]
    return list({id(each): each for each in found if isinstance(each, torch.Generator)}.values())
