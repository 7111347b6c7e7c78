"""The network traffic in the network namespace of the training, e.g. from a file server."""

from __future__ import annotations

import re

from fitdoctor.recording.model.system import System
from fitdoctor.system.kernel_files import KernelFile, number, open_if_there
from fitdoctor.system.source import Reading, Target

# Interfaces whose traffic stays in the machine, or passes through another interface as well.
INSIDE = re.compile(rb"lo$|ifb|veth|docker|br-|virbr|dummy|tun|tap")
# Columns behind the name.
RECEIVED, SENT = 0, 8


def open_source(place: Target) -> Network | None:
    file = open_if_there(place.proc / str(place.process) / "net" / "dev")
    return None if file is None else Network(file)


class Network:
    """Reads /proc/PID/net/dev."""

    def __init__(self, file: KernelFile) -> None:
        self._file = file

    def read(self) -> Reading:
        found = parse(self._file.whole())
        return (
            Reading()
            if found is None
            else Reading(counters={"network_in_bytes": found[0], "network_out_bytes": found[1]})
        )

    def describe(self, system: System) -> None:
        """Adds nothing: the network has no constant figures."""

    def close(self) -> None:
        self._file.close()


def parse(data: bytes) -> tuple[float, float] | None:
    r"""Bytes received and sent over all interfaces. None if there is no interface.

    Example:
        >>> parse(b"lo: 7 0 0 0 0 0 0 0 7 0 0\neth0: 19 4 0 0 0 0 0 0 31 2 0\n")
        (19.0, 31.0)
    """
    received = sent = seen = 0
    for line in data.splitlines():
        name, _, rest = line.partition(b":")
        words = rest.split()
        if not name.strip() or INSIDE.match(name.strip()) or len(words) <= SENT:
            continue
        inward, outward = number(words[RECEIVED]), number(words[SENT])
        if inward is not None and outward is not None:
            received, sent, seen = received + inward, sent + outward, seen + 1
    return (float(received), float(sent)) if seen else None
