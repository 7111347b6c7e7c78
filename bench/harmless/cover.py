"""A covering set: few combinations in which every two values that go together meet at least once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

Case = dict[str, str]


def pairwise(kinds: Mapping[str, Sequence[str]], fits: Callable[[Case], bool]) -> list[Case]:
    """Chooses cases, the same ones each time.

    Args:
        kinds: The values of each dimension.
        fits: Whether the values that are chosen so far go together; it is asked for parts of cases too.

    Example:
        >>> pairwise({"a": "12", "b": "34"}, lambda case: case != {"a": "1", "b": "4"})
        [{'a': '1', 'b': '3'}, {'a': '2', 'b': '3'}, {'a': '2', 'b': '4'}]
    """
    names = list(kinds)
    waiting = {
        (one, first, other, second): None
        for one, other in itertools.combinations(names, 2)
        for first in kinds[one]
        for second in kinds[other]
        if fits({one: first, other: second})
    }
    cases = []
    while waiting:
        one, first, other, second = next(iter(waiting))
        del waiting[one, first, other, second]
        case = _completed({one: first, other: second}, kinds, fits, waiting)
        if case is None:  # the two go together with nothing else
            continue
        for pair in _pairs(case, names):
            waiting.pop(pair, None)
        cases.append({name: case[name] for name in names})
    return cases


def _completed(
    case: Case,
    kinds: Mapping[str, Sequence[str]],
    fits: Callable[[Case], bool],
    waiting: Mapping[tuple[str, ...], None],
) -> Case | None:
    """Adds a value for each dimension that is left, and backtracks where none fits.

    Of the possible values it takes the one with the most pairs that are still to be covered.
    """
    left = [name for name in kinds if name not in case]
    if not left:
        return case
    name = left[0]

    def news(value: str) -> int:
        return -sum(pair in waiting for pair in _pairs({**case, name: value}, list(kinds)))

    for value in sorted(kinds[name], key=news):
        longer = {**case, name: value}
        if fits(longer) and (found := _completed(longer, kinds, fits, waiting)) is not None:
            return found
    return None


def _pairs(case: Case, names: list[str]) -> list[tuple[str, str, str, str]]:
    chosen = [name for name in names if name in case]
    return [(one, case[one], other, case[other]) for one, other in itertools.combinations(chosen, 2)]
