"""The workers of a `DataLoader` of PyTorch:

other numbers of them for a trial, how far ahead they run, and their end.
"""

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
PREFETCH_FACTOR = 2
"""Batches that each worker prepares where the script does not say, and the most that those of an idle arm may."""
LOOKED_AT = 4
"""Samples that are read a few times to learn whether reading them draws random numbers."""


def settings(changes: list[Change]) -> dict[str, Any]:
    """What changes set of a `DataLoader`."""
    return {
        change.argument: change.value for change in changes if isinstance(change, SetArgument) and change.call == CALL
    }


def arranged(loader: Any, changes: list[Change], *, steady: bool, started: weakref.WeakSet[Any] | None = None) -> Any:
    """The loader with the workers that the changes ask for, as a copy of the same data, sampler, generator and
    collation.

    Where there are workers, an arm gets a copy in any case: a loader that keeps its workers has but one iterator, which
    begins anew when another arm asks for one.

    Args:
        loader: A `DataLoader`.
        changes: Any; those of other things are left to others.
        steady: Whether each worker is to have but a few batches ready, as an idle arm must fill its store and then
            rest, and is kept from epoch to epoch, as its start would fall into whichever window it does.
        started: Gets the iterators that have workers, as they are made, so that these can be ended.

    Raises:
        ValueError: The loader is of a class that decides about its workers itself.
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
    vars(made).update(attributes, _iterator=None)  # past its own check, which forbids it for a loader that is in use
    if any(getattr(made, name) != value for name, value in attributes.items()):
        raise ValueError(f"the class {type(loader).__name__} decides about its workers itself")
    if started is not None:
        vars(made)["_get_iterator"] = partial(_noted, weakref.ref(made), started)
    return made


def _noted(reference: weakref.ref[Any], started: weakref.WeakSet[Any]) -> Any:
    loader: Any = reference()
    made = type(loader)._get_iterator(loader)
    if hasattr(made, "_shutdown_workers"):
        started.add(made)
    return made


def end(started: weakref.WeakSet[Any]) -> None:
    """Ends the workers of iterators, as PyTorch does when it forgets one."""
    for iterator in list(started):
        iterator._shutdown_workers()
    started.clear()


def held(loader: Any) -> int:
    """Batches that the workers may have made or begun before anybody asks."""
    return int(loader.num_workers * (loader.prefetch_factor or PREFETCH_FACTOR))


def from_here(loader: Any) -> Callable[[], None]:
    """Remembers the state of all that a loader may draw its order and its samples from; the result puts it back."""
    from fitdoctor.probe.state.random_state import RandomState

    process = RandomState()
    own = generators_put_back([loader])

    def restore() -> None:
        process.restore()
        own()

    return restore


def generators_put_back(loaders: Iterable[Any]) -> Callable[[], None]:
    """Remembers the generators that loaders hold themselves; the result puts them back."""
    kept = [(each, each.get_state()) for loader in loaders for each in _generators(loader)]

    def restore() -> None:
        for generator, state in kept:
            generator.set_state(state)

    return restore


def draws(loader: Any) -> bool:
    """Whether its samples are others when they are read again, or reading them draws random numbers.

    All generators stay as they are.
    """
    restore = from_here(loader)
    try:
        index = next(iter(loader._index_sampler))
        chosen = list(index)[:LOOKED_AT] if loader.batch_sampler is not None else [index]
        before = list(_states())
        one = _read(loader, chosen)
        if before != list(_states()):
            return True
        return one != _read(loader, chosen)
    finally:
        restore()


def _read(loader: Any, chosen: list[Any]) -> bytes:
    """A hash of what a loader makes of some samples, as its own fetcher would read them."""
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
    """A short text for each generator of the whole process that samples are commonly drawn from."""
    import numpy as np

    torch = backends.loaded("torch")
    yield str(hash(random.getstate()))
    state: Any = np.random.get_state()
    yield f"{hash(state[1].tobytes())} {state[2:]}"
    if torch is not None:
        yield str(hash(torch.get_rng_state().numpy().tobytes()))


def _generators(loader: Any) -> list[Any]:
    """The generators of PyTorch that a loader and its samplers hold."""
    torch = backends.loaded("torch")
    assert torch is not None
    owners = [loader, loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None)]
    found = [getattr(owner, "generator", None) for owner in owners]
    return list({id(each): each for each in found if isinstance(each, torch.Generator)}.values())
