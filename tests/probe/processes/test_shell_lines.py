"""Every program of a shell's line is named, and nothing else of it."""

from __future__ import annotations

import pytest

from fitdoctor.probe.processes.shell_lines import programs

LINES = {
    "true; curl -u me:secret host": ["curl"],
    "for i in 1 2; do uname; done": ["uname"],
    "cd /tmp && nice curl host | jq .": ["curl", "jq"],
    "if ! wget -q host; then aws s3 ls; else sbatch job.sh; fi": ["wget", "aws", "sbatch"],
    "sudo -u ann timeout -k 1 5s /usr/bin/git pull": ["git"],
    "echo 'a; secret' && A=1 hostname": ["hostname"],
    "export KEY=secret; cd /tmp": ["export"],
    "true secret": ["true"],
    "KEYS=(secret other) hostname 2>&1 > secret": ["hostname"],
    "cat <<END\nsecret word\nEND\nhostname": ["cat", "hostname"],
    "hostname # it is secret": ["hostname"],
    "case $1 in secret) hostname;; other) uname;; esac": ["hostname", "uname"],
    'echo "$(curl host)" `wget host`': ["curl", "wget"],
    "bash -lc 'cd x; hostname'": ["hostname"],
    "eval 'hostname; uname'": ["hostname", "uname"],
    "seq 3 | xargs -n 1 -I{} curl host": ["seq", "curl"],
    "{ uname; hostname; } >/dev/null &": ["uname", "hostname"],
    "echo 'secret": ["echo"],
    "": ["sh"],
}


@pytest.mark.parametrize(("line", "names"), LINES.items())
def test_programs_of_a_line(line: str, names: list[str]) -> None:
    assert programs(["/bin/sh", "-c", line]) == names


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["env", "A=1", "nice", "-n", "1", "hostname"], ["hostname"]),
        (["env", "-S", "A=1 hostname"], ["hostname"]),
        (["env", "A=1"], ["env"]),
        (["env", "sh", "-c", "cd x; curl host"], ["curl"]),
        (["sh", "run.sh", "-c", "secret"], ["sh"]),
        ([], []),
    ],
)
def test_programs_of_a_command(words: list[str], names: list[str]) -> None:
    assert programs(words) == names


def test_a_long_line_names_few() -> None:
    assert len(programs(["sh", "-c", ";".join(f"program{number}" for number in range(5000))])) == 10
