"""Finds the host name for an address: a script looks up a name first, and then connects to an address.

A name counts only if it resolves to that address: threads look up several names at a time, and a script may connect to
an address without a lookup.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

# Names that are remembered.
MOST = 1000


class HostNames:
    """The names that were looked up for each port. Each is resolved once, at the first connection that may need it.

    Example:
        >>> names = HostNames()
        >>> names.add("localhost", 80)
        >>> names.names_for("127.0.0.1", 80), names.names_for("127.0.0.3", 80)
        (['localhost'], [])
    """

    def __init__(self) -> None:
        self._addresses: dict[str, frozenset[str]] = {}
        self._pending: dict[Any, list[str]] = {}
        self._known: dict[tuple[str, Any], str] = {}
        self._count = 0

    def add(self, name: str, port: Any) -> None:
        """Adds a name that the script looks up. The port may be None."""
        pending = self._pending.setdefault(port, [])
        if name not in pending and self._count < MOST:
            self._count += 1
            pending.append(name)

    def names_for(self, address: str, port: Any) -> list[str]:
        """Returns the names for an address: those looked up since the last call, else the one from before."""
        plain = _normalised(address)
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
            self._addresses[name] = frozenset(_normalised(entry[4][0]) for entry in found)
        return self._addresses[name]


def _normalised(address: str) -> str:
    """Normalises an address: without its interface, and IPv4 for mapped IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
