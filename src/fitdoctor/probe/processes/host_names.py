"""Finds the name by which a script came to an address: it looks up a name first, and connects to an address then.

A name is taken only where it leads to that address: threads look up several at a time, and a script may connect to an
address that it never looked up.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

MOST = 1000
"""Names that are kept."""


class HostNames:
    """Keeps which names were looked up for a port, and resolves each once, at the first connection that may have come
    from it.

    Example:
        >>> names = HostNames()
        >>> names.looked_up("localhost", 80)
        >>> names.of("127.0.0.1", 80), names.of("127.0.0.3", 80)
        (['localhost'], [])
    """

    def __init__(self) -> None:
        self._addresses: dict[str, frozenset[str]] = {}
        self._pending: dict[Any, list[str]] = {}
        self._known: dict[tuple[str, Any], str] = {}
        self._count = 0

    def looked_up(self, name: str, port: Any) -> None:
        """Notes a name that the script looks up itself. None is a lookup for no port."""
        pending = self._pending.setdefault(port, [])
        if name not in pending and self._count < MOST:
            self._count += 1
            pending.append(name)

    def of(self, address: str, port: Any) -> list[str]:
        """The names that led to an address:

        those that were looked up since the last time, or else the one from then.
        """
        plain = _plain(address)
        found = []
        for kept in (port, None):
            for name in list(self._pending.get(kept, ())):
                addresses = self._resolved(name)
                if plain not in addresses:
                    continue
                found.append(name)
                self._known |= dict.fromkeys(((one, kept) for one in addresses), name)
                if name in self._pending[kept]:
                    self._pending[kept].remove(name)
                    self._count -= 1
        known = self._known.get((plain, port)) or self._known.get((plain, None))
        return list(dict.fromkeys(found)) or ([known] if known else [])

    def _resolved(self, name: str) -> frozenset[str]:
        if name not in self._addresses:
            try:
                found = sys.modules["_socket"].getaddrinfo(name, None)
            except (OSError, UnicodeError):
                found = []
            self._addresses[name] = frozenset(_plain(entry[4][0]) for entry in found)
        return self._addresses[name]


def _plain(address: str) -> str:
    """An address in one way of writing, without the interface; IPv4 as such where it is written as IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
