"""Remembers where the user's objects were made.

The places are kept outside the objects: an attribute of ours would be copied and pickled with them.
"""

from __future__ import annotations

import weakref
from typing import Any

from fitdoctor.recording.model import Site

_sites: dict[int, tuple[weakref.ref[Any], Site | None]] = {}


def mark(thing: Any, site: Site | None) -> None:
    """Keeps the place of `thing` as long as it lives. An object without weak references is skipped."""
    key = id(thing)
    try:
        _sites[key] = (weakref.ref(thing, lambda _: _sites.pop(key, None)), site)
    except TypeError:
        pass


def site_of(thing: Any) -> Site | None:
    """The last place that was kept for an object, or None."""
    reference, site = _sites.get(id(thing), (None, None))
    return site if reference is not None and reference() is thing else None
