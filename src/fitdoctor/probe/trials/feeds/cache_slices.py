"""Tries a cache on a slice of the data, since filling a whole one takes an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fitdoctor.probe.apply import materialize, tfdata
from fitdoctor.probe.apply.tfdata_stages import again
from fitdoctor.probe.inputs import tfdata_recipes
from fitdoctor.probe.inputs.tfdata_recipes import Recipe
from fitdoctor.probe.support.originals import time

# A slice ends after so many seconds of making elements, or so many bytes, but not before this many elements.
SLICE_S = 2.5
SLICE_BYTES = 256 << 20
LEAST_ELEMENTS = 2
# So many elements of a second pass must equal those of the first before a cache may keep them. The comparison ends
# after this many seconds.
COMPARED = 64
COMPARE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The first elements that a cache gets. `total` is their number in one pass, or None where it is not known."""

    elements: int
    bytes: int
    seconds: float
    total: int | None

    @property
    def whole_bytes(self) -> float | None:
        return None if self.total is None else self.bytes / self.elements * self.total

    @property
    def whole_s(self) -> float | None:
        return None if self.total is None else self.seconds / self.elements * self.total


class Slices:
    """Cuts the data before each cache of a pipeline short, so that the cache can be filled before a trial.

    Attributes:
        note: A sentence on the last cache that a change inserted.
        spent_s: Seconds that went into slices.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Slice] = {}
        self.note = ""
        self.spent_s = 0.0

    def cut(self, dataset: Any, *, whole: bool = False) -> Any:
        """The dataset with a slice before each cache.

        Args:
            dataset: Of tf.data.
            whole: Whether it still gives as many elements in one pass.

        Raises:
            materialize.NotRepeatingError: An inserted cache would freeze what differs from pass to pass, or is too
                large.
        """
        steps = tfdata_recipes.chain(dataset)

        def edit(position: int, recipe: Recipe, parent: Any) -> Any:
            if recipe.name != "cache" or tfdata.is_endless(parent):
                return again(recipe, parent)
            key = tuple((other.name, other.site and other.site.line) for _, other in steps[: position + 1])
            found = self._slice(parent, key, new=recipe.site is None)
            kept = parent.take(found.elements).cache()
            short = whole and found.total is not None and found.total > found.elements
            return kept.repeat().take(found.total) if short else kept

        return tfdata.rebuild(dataset, edit)

    def filled(self, dataset: Any) -> Any:
        """The same dataset, with all its caches full."""
        began_s = time.perf_counter()
        for made, recipe in tfdata_recipes.chain(dataset):
            if recipe.name == "cache" and not tfdata.is_endless(made):
                for _ in made:
                    pass
        self.spent_s += time.perf_counter() - began_s
        return dataset

    def _slice(self, dataset: Any, key: tuple[Any, ...], *, new: bool) -> Slice:
        began_s = time.perf_counter()
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _measured(dataset, compare=new)
        self.spent_s += time.perf_counter() - began_s
        if new:
            self.note = _projected(found)
        return found


def _measured(dataset: Any, *, compare: bool) -> Slice:
    began_s = time.perf_counter()
    elements = held = 0
    digests: list[bytes] = []
    total = int(dataset.cardinality())
    for parts in _elements(dataset):
        elements += 1
        held += sum(materialize.size(part) for part in parts)
        if compare and elements <= COMPARED:
            digests.append(materialize.digest(parts))
        if elements >= LEAST_ELEMENTS and (time.perf_counter() - began_s > SLICE_S or held > SLICE_BYTES):
            break
    else:
        total = elements
    seconds = time.perf_counter() - began_s
    if not elements:
        raise materialize.NotRepeatingError("the pipeline gives no elements")
    if compare:
        _check_second_pass(dataset, digests)
    return Slice(elements=elements, bytes=held, seconds=seconds, total=total if total >= 0 else None)


def _check_second_pass(dataset: Any, digests: list[bytes]) -> None:
    began_s = time.perf_counter()
    for first, parts in zip(digests, _elements(dataset), strict=False):
        if first != materialize.digest(parts):
            raise materialize.NotRepeatingError("its elements differ from pass to pass, so a cache would freeze them")
        if time.perf_counter() - began_s > COMPARE_S:
            return


def _projected(found: Slice) -> str:
    """A sentence on the size of the whole cache.

    Raises:
        materialize.NotRepeatingError: More than there is memory for.
    """
    tried = f"Tried on a slice of {found.elements:,} elements"
    if found.whole_bytes is None or found.whole_s is None:
        per_s = f"{found.bytes / found.elements / 1e6:.3g} MB each"
        return f"{tried}, {per_s}: how many the whole cache would hold was not counted."
    size = f"{found.whole_bytes / 1e6:,.3g} MB"
    if found.whole_bytes > materialize.free_bytes() * materialize.MEMORY_SHARE:
        raise materialize.NotRepeatingError(
            f"a cache would hold {size}, more than a quarter of the free memory; cache('a file') keeps them on disk"
        )
    filled = f"filled within the first epoch, in about {found.whole_s:,.2g} s"
    return f"{tried}: the whole cache is projected to hold {size}, {filled}."


def _elements(dataset: Any) -> Any:
    import tensorflow as tf

    for element in dataset:
        yield [part.numpy() for part in tf.nest.flatten(element, expand_composites=True)]
