"""Remembers where the user's objects were made, beside them:

an attribute of ours would be copied and pickled with them.
"""

from __future__ import annotations

import weakref
from typing import Any

from fitdoctor.recording.model import Site

_sites: dict[int, tuple[weakref.ref[Any], Site | None]] = {}


def mark(thing: Any, site: Site | None) -> None:
    """Keeps the place of `thing` for as long as `thing` lives; what can't be referred to weakly is left out."""
    key = id(thing)
    try:
        _sites[key] = (weakref.ref(thing, lambda _: _sites.pop(key, None)), site)
    except TypeError:
        pass


def site_of(thing: Any) -> Site | None:
    """The place that was kept last, or None."""
    reference, site = _sites.get(id(thing), (None, None))
    return site if reference is not None and reference() is thing else None
