"""What a tried script does on the network, and which programs it starts, is noted; --offline refuses it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitdoctor.recording.model import SideEffect
from fitdoctor.recording.notes import SUFFIX, read_notes
from tests.support.projects import Project


def effects(user: Project) -> list[SideEffect]:
    return read_notes(user.ours / f"record.json{SUFFIX}").effects


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        return


CONNECTIONS = {
    "create_connection": "socket.create_connection(('localhost', PORT))",
    "connect": "socket.socket().connect(('127.0.0.1', PORT))",
    "connect_ex": "socket.socket().connect_ex(('127.0.0.1', PORT))",
    "sendto": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
    "urllib": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:PORT/path?token=secret', timeout=5)",
    "http.client": "import http.client; http.client.HTTPConnection('127.0.0.1', PORT).request('GET', '/?key=secret')",
    "asyncio": "import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', PORT))",
    "a thread": (
        "import threading; t = threading.Thread(target=socket.create_connection, args=(('127.0.0.1', "
        "PORT),)); "
        "t.start(); t.join()"
    ),
    "a fork": (
        "import os\nif os.fork() == 0:\n    socket.create_connection(('127.0.0.1', PORT))\n    os._exit(0)\nos.wait()"
    ),
    "a program": "import subprocess\n"
    "subprocess.run([sys.executable, '-c', 'import socket; socket.create_connection((\"127.0.0.1\", PORT))'])",
}
PROGRAMS = {
    "run": ("subprocess.run(['true', 'secret'])", "true"),
    "a shell": ("subprocess.run('TOKEN=secret true --password secret', shell=True)", "true"),
    "os.system": ("os.system('true secret')", "true"),
    "popen": ("os.popen('true secret').read()", "true"),
    "posix_spawn": ("os.waitpid(os.posix_spawn('/bin/true', ['true', 'secret'], os.environ), 0)", "true"),
    "spawn": ("os.spawnlp(os.P_WAIT, 'true', 'true', 'secret')", "true"),
    "one that is not there": (
        "try: subprocess.run(['no-such-program', 'secret'])\nexcept OSError: pass",
        "no-such-program",
    ),
}


@pytest.mark.parametrize("source", CONNECTIONS.values(), ids=CONNECTIONS.keys())
def test_a_connection_is_noted_by_host_and_port(user: Project, port: int, source: str) -> None:
    user.write(
        train=(
            f"import socket, sys\ntry:\n    exec({source.replace('PORT', str(port))!r})\n"
            f"except OSError as error: print(error)\n"
        )
    )
    done = user.launch("train.py")
    assert done.returncode == 0, done.stderr
    found = [effect.what for effect in effects(user) if effect.kind == "connection"]
    assert found in ([f"127.0.0.1:{port}"], [f"localhost:{port}"]) or found == [
        f"localhost:{port}",
        f"127.0.0.1:{port}",
    ]
    assert "secret" not in (user.ours / f"record.json{SUFFIX}").read_text()


def test_an_address_does_not_get_the_name_of_another_one_on_its_port(user: Project) -> None:
    user.write(
        train="""\
import socket
for host in ('localhost', '127.0.0.3'):
    try:
        socket.create_connection((host, 9))
    except OSError:
        pass
"""
    )
    assert user.launch("train.py").returncode == 0
    assert [effect.what for effect in effects(user) if "::1" not in effect.what] == ["localhost:9", "127.0.0.3:9"]


@pytest.mark.parametrize(("source", "name"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_is_noted_by_its_name(user: Project, source: str, name: str) -> None:
    user.write(train=f"import os, subprocess\n{source}\n")
    done = user.launch("train.py")
    assert done.returncode == 0, done.stderr
    (effect,) = effects(user)
    assert (effect.kind, effect.what) == ("program", name)
    assert effect.site is not None
    assert (Path(effect.site.file).name, effect.site.line) == ("train.py", 2)
    assert "secret" not in (user.ours / f"record.json{SUFFIX}").read_text()


def test_every_program_of_a_line_is_noted(user: Project) -> None:
    user.write(
        train="import os\nos.system('cd / && true; for i in 1 2; do nice uname secret; done | PASS=secret wc -c')\n"
    )
    assert user.launch("train.py").returncode == 0
    assert [(effect.kind, effect.what) for effect in effects(user)] == [("program", "uname"), ("program", "wc")]


def test_programs_of_the_standard_library_are_not_recorded(user: Project) -> None:
    user.write(train="import platform\nprint(platform.uname().processor)\n")
    assert user.launch("train.py").returncode == 0
    assert effects(user) == []


def test_a_service_of_this_machine_is_noted_and_the_scripts_own_is_not(user: Project) -> None:
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(user.ours / "docker.sock"))
        service.listen()
        user.begin()
        user.write(
            train=f"""\
import socket
socket.socket(socket.AF_UNIX).connect({str(user.ours / "docker.sock")!r})
own = socket.socket(socket.AF_UNIX)
own.bind("own.sock")
own.listen()
socket.socket(socket.AF_UNIX).connect("own.sock")
"""
        )
        assert user.launch("train.py").returncode == 0
    assert [(effect.kind, effect.what) for effect in effects(user)] == [("socket", str(user.ours / "docker.sock"))]


def test_listening_sockets_are_recorded(user: Project) -> None:
    user.write(train="import socket\nsocket.create_server(('127.0.0.1', 0))\nsocket.socket().bind(('', 47123))\n")
    user.launch("train.py")
    assert [(effect.kind, effect.what) for effect in effects(user)] == [("listening", "*:47123")]


def test_a_real_training_records_no_side_effects(user: Project, port: int) -> None:
    user.write(train=f"import os, socket\nsocket.create_connection(('127.0.0.1', {port}))\nos.system('true')\n")
    assert user.launch("train.py", role="watch").returncode == 0
    assert effects(user) == []


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("socket.create_connection(('192.0.2.1', 80), timeout=5)", "OSError [Errno 101]"),
        ("socket.create_connection(('tracker.example', 443), timeout=5)", "gaierror [Errno -3]"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))", "OSError [Errno 101]"),
        (
            "import urllib.request; urllib.request.urlopen('http://192.0.2.1/', timeout=5)",
            "URLError <urlopen error [Errno 101]",
        ),
    ],
)
def test_offline_refuses_other_machines(user: Project, source: str, error: str) -> None:
    user.write(
        train=f"import socket\ntry:\n    {source}\nexcept OSError as error:\n    print(type(error).__name__, error)\n"
    )
    done = user.launch("train.py", offline=True)
    assert done.stdout.startswith(error), done.stdout + done.stderr
    assert "there is no network with --offline" in done.stdout
    (effect,) = effects(user)
    assert effect.what.split(":")[0] in ("192.0.2.1", "tracker.example")


def test_offline_leaves_this_machine(user: Project, port: int) -> None:
    user.write(
        train=(
            f"import socket\nfor host in ('127.0.0.1', 'localhost'): socket.create_connection((host, {port}))\n"
            f"print('connected')\n"
        )
    )
    assert user.launch("train.py", offline=True).stdout == "connected\n"


def test_offline_applies_to_started_programs(user: Project) -> None:
    code = "import socket; socket.create_connection((\\'192.0.2.1\\', 80), timeout=5)"
    user.write(train=f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', '{code}'])\n")
    assert "there is no network with --offline" in user.launch("train.py", offline=True).stderr


def test_a_network_of_its_own_needs_no_refusals(user: Project) -> None:
    user.write(
        train="import socket\nsocket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.2', 9))\nprint('went on')\n"
    )
    assert user.launch("train.py", offline=True, network_namespace=True).stdout == "went on\n"
