"""A name is taken for an address only where it leads there."""

from __future__ import annotations

import _socket
from typing import Any

import pytest

from fitdoctor.probe.processes.host_names import HostNames

HOSTS = {
    "one": ["10.0.0.1"],
    "two": ["10.0.0.2", "fe80::2%eth0"],
    "same": ["10.0.0.1"],
    "mapped": ["::ffff:10.0.0.4"],
}


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are resolved, in their order."""
    names: list[str] = []

    def getaddrinfo(name: str, port: Any) -> list[Any]:
        names.append(name)
        if name not in HOSTS:
            raise OSError
        return [(2, 1, 6, "", (address, 0)) for address in HOSTS[name]]

    monkeypatch.setattr(_socket, "getaddrinfo", getaddrinfo)
    return names


def test_two_hosts_on_one_port(resolved: list[str]) -> None:
    names = HostNames()
    names.add("one", 443)
    names.add("two", 443)
    assert [names.names_for(address, 443) for address in ("10.0.0.1", "10.0.0.2", "fe80::2", "10.0.0.3")] == [
        ["one"],
        ["two"],
        ["two"],
        [],
    ]
    assert names.names_for("10.0.0.1", 80) == []
    assert resolved == ["one", "two"]


def test_names_that_share_an_address_are_each_found(resolved: list[str]) -> None:
    names = HostNames()
    for name in ("one", "same", "one"):
        names.add(name, 443)
        assert names.names_for("10.0.0.1", 443) == [name]
    names.add("one", 443)
    names.add("same", 443)
    assert names.names_for("10.0.0.1", 443) == ["one", "same"]
    assert resolved == ["one", "same"]


def test_a_lookup_for_no_port_and_one_that_fails(resolved: list[str]) -> None:
    names = HostNames()
    names.add("mapped", None)
    names.add("unknown", 80)
    assert [names.names_for("10.0.0.4", port) for port in (80, 443, 80)] == [["mapped"]] * 3
    assert names.names_for("10.0.0.9", 80) == []
    assert resolved == ["unknown", "mapped"]


def test_only_looked_up_names_are_resolved(resolved: list[str]) -> None:
    assert HostNames().names_for("10.0.0.1", 80) == []
    assert resolved == []
