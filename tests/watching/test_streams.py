"""A script whose streams are closed, full or broken ends as it does alone, and nothing of ours comes into what it
writes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FAKES = Path(__file__).parents[1] / "bad_input" / "site-packages"
LOOKS = """\
import os, sys
def is_open(number):
    try:
        return bool(os.fstat(number))
    except OSError:
        return False
seen = [is_open(number) for number in range(10)]
open("seen", "w").write(repr(seen + [stream is None for stream in (sys.stdin, sys.stdout, sys.stderr)]))
"""
HOOK = """\
import sys
sys.excepthook = lambda *_: open("seen", "w").write(repr((sys.last_type, sys.last_value)))
raise ValueError("its own")
"""
FITS = """\
import keras
import numpy as np
model = keras.Model()
model.compile()
model.fit(np.zeros((320, 2)), epochs=2)
print("trained")
"""
SCRIPTS = {
    "exit": "import sys; sys.exit(3)",
    "words": "import sys; sys.exit('no data')",
    "error": "raise ValueError('its own')",
    "error in a function": "def f():\n    raise ValueError('its own') from KeyError('a')\nf()",
    "prints": "print('one'); print('two', flush=True)",
    "prints and fails": "print('one')\nraise OSError('its own')",
    "prints a lot": "for i in range(100000): print(i)",
    "says a lot": "import sys\nfor i in range(3000): sys.stderr.write('x' * 100 + '\\n')",
    "looks": LOOKS,
    "opens files": "a, b = open('a', 'w'), open('b', 'w')\nopen('seen', 'w').write(str((a.fileno(), b.fileno())))",
    "reads": "import sys\nopen('seen', 'w').write(repr(sys.stdin and sys.stdin.read()))",
    "closes": "import sys\nsys.stdout.close(); sys.stderr.close()\nraise SystemExit(5)",
    "takes away": "import sys\nsys.stdout = sys.stderr = None\nraise ValueError",
    "starts another": "import subprocess, sys\nsys.exit(subprocess.call([sys.executable, '-c', 'print(1)']) + 7)",
    "excepthook that fails": (
        "import sys\ndef hook(*_):\n    raise KeyError('hook')\nsys.excepthook = hook\nraise ValueError('its own')"
    ),
    "excepthook that exits": "import sys\nsys.excepthook = lambda *_: sys.exit(9)\nraise ValueError('its own')",
    "excepthook that looks": HOOK,
    "fits": FITS,
}
STREAMS = {
    "no stdout": ">&-",
    "no stderr": "2>&-",
    "neither": ">&- 2>&-",
    "no stdin": "<&-",
    "none": "<&- >&- 2>&-",
    "full": "> /dev/full",
    "full stderr": "2> /dev/full",
    "reader gone": "| true",
    "first line": "| head -1 > first",
    "both to one that is gone": "2>&1 | true",
}
ONES_THAT_LEAVE = {
    # for what writes a lot: with less it is chance when the reader leaves
    "first line of both": "2>&1 | head -1 > first",
}
CASES = [
    *((name, streams) for name in ("exit", "error", "prints and fails", "fits") for streams in STREAMS),
    *((name, "no stdout") for name in SCRIPTS),
    *(
        (name, "no stderr")
        for name in ("words", "looks", "opens files", "says a lot", "takes away", "excepthook that fails")
    ),
    *((name, "none") for name in ("looks", "opens files", "reads", "starts another", "prints")),
    *((name, "full") for name in ("prints", "words", "prints a lot")),
    *((name, "first line") for name in ("prints a lot", "prints")),
    *((name, "first line of both") for name in ("prints a lot", "says a lot")),
    *((name, "usual") for name in SCRIPTS if name.startswith(("excepthook", "closes", "takes", "looks", "opens"))),
]


@pytest.mark.parametrize(("name", "streams"), sorted(set(CASES)))
def test_it_ends_as_it_does_alone(tmp_path: Path, name: str, streams: str) -> None:
    assert _outcome(tmp_path / "watched", "-m fitdoctor watch", name, streams) == _outcome(
        tmp_path / "alone", "", name, streams
    )


@pytest.mark.parametrize("streams", ["no stdout", "no stderr", "none"])
def test_it_is_recorded_nevertheless(tmp_path: Path, streams: str) -> None:
    _outcome(tmp_path / "watched", "-m fitdoctor watch -o report.json", "fits", streams)
    assert '"verdict"' in (tmp_path / "watched" / "report.json").read_text()


def _outcome(folder: Path, how: str, name: str, streams: str) -> tuple[str, str, list[str], dict[str, str]]:
    """The exit code, what came to stdout, the script's lines on stderr, and what the script wrote."""
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPTS[name])
    wait = "sleep 0.3;" if "gone" in streams else ""
    line = f'({wait} "{sys.executable}" {how} train.py; echo $? > code) {(STREAMS | ONES_THAT_LEAVE).get(streams, "")}'
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(FAKES)])}
    environment.pop(
        "PYTHONUNBUFFERED", None
    )  # each write would come alone, and whether `head` is gone by the second is chance
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        input="a\nb\n",
    )
    lines, known = done.stderr.splitlines(), ("fitdoctor:", "  !")
    said = lines[
        : next(
            (number for number, line in enumerate(lines) if line.startswith(known) or "train.py · " in line), len(lines)
        )
    ]
    written = {path.name: path.read_text() for path in folder.iterdir() if path.name in ("seen", "a", "b", "first")}
    if "first" in written:
        written["first"] = next(iter(written["first"].splitlines()), "").partition("fitdoctor:")[0]
    code = (folder / "code").read_text().strip()
    return code, done.stdout, [line.replace(str(folder), "here") for line in said if line.strip()], written
