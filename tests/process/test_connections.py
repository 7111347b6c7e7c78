"""Connections that are seen from outside, whoever made them."""

from __future__ import annotations

import socket
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.process.connections import CONNECTING, ESTABLISHED, LISTENING, Connection, remote_ends, rows
from tests.process.conftest import Box

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
   1: 0100007F:A001 070200C0:1538 01 00000000:00000000 00:00000000 00000000     0        0 12 1 0 20 4 30 10 -1
"""
TABLE_6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21 1
   1: 0000000000000000FFFF00000100007F:A002 0000000000000000FFFF0000070200C0:1538 01 00000000:00000000 00:00000000 00000000     0        0 22 1
"""  # noqa: E501


@pytest.mark.skipif(sys.byteorder != "little", reason="the table is of another processor")
def test_a_table_is_read() -> None:
    assert [(row.local, row.remote, row.state, row.inode) for row in rows(TABLE, socket.AF_INET)] == [
        ("127.0.0.1:8080", "0.0.0.0:0", LISTENING, 11),
        ("127.0.0.1:40961", "192.0.2.7:5432", ESTABLISHED, 12),
    ]
    assert [(row.local, row.remote) for row in rows(TABLE_6, socket.AF_INET6)] == [
        ("[::1]:80", "[::]:0"),
        ("127.0.0.1:40962", "192.0.2.7:5432"),
    ]


def connection(local: int, remote: str, state: int = ESTABLISHED, inode: int = 1) -> Connection:
    return Connection(local=f"127.0.0.1:{local}", remote=remote, state=state, inode=inode)


def test_only_connections_that_own_sockets_opened_count() -> None:
    table = [
        connection(40001, "192.0.2.7:5432", inode=1),
        connection(40002, "192.0.2.8:443", CONNECTING, inode=2),
        connection(40003, "192.0.2.9:443", inode=9),  # somebody else's
        connection(8080, "0.0.0.0:0", LISTENING, inode=3),
        connection(8080, "192.0.2.1:50000", inode=4),  # somebody calls us
        connection(40004, "127.0.0.1:8080", inode=5),  # ourselves
    ]
    assert remote_ends(table, {1, 2, 3, 4, 5}) == {"192.0.2.7:5432", "192.0.2.8:443"}


@given(st.text(), st.sampled_from([socket.AF_INET, socket.AF_INET6]))
def test_any_text_can_be_parsed_as_a_table(text: str, family: int) -> None:
    list(rows("head\n" + text, family))


CONNECTS = """\
import ctypes, socket, struct, time
c = ctypes.CDLL(None, use_errno=True)
one = c.socket(2, 1, 0)
address = struct.pack("=H", 2) + struct.pack("!H", PORT) + socket.inet_aton("127.0.0.1") + bytes(8)
assert c.connect(one, address, len(address)) == 0
server = socket.create_server(("127.0.0.1", 0)); own = socket.create_connection(server.getsockname())
time.sleep(3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of the sockets of a process")
def test_a_connection_of_a_c_library_is_found(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = box.run(CONNECTS.replace("PORT", str(port)))
    assert (done.code, done.connections) == (0, [f"127.0.0.1:{port}"])
