"""Small scripts as people write them do not cause the damage that they are there to show.

They lie in a folder beside the checkout, or in that of `FITDOCTOR_ADVERSARY`. Without such a folder the tests are
skipped. Each script has a `run.sh` that prints `--> OK: …` or `--> FEARED HAPPENED: …`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("FITDOCTOR_ADVERSARY", ROOT.parent / "shared" / "adversary"))
TOO_LONG_S = 300
# They import a real framework, or take long for another reason.
LONG = ("06-", "07-", "08-", "12-", "25-")
# The write guard prevents the damage of these too, without a scratch layer.
GUARDED = ("01-", "06-", "07-", "08-", "09-", "11-", "21-")


def _scripts() -> list[object]:
    names = sorted(path.parent.name for path in FOLDER.glob("*/run.sh"))
    return [
        pytest.param(
            name,
            guarded,
            id=f"{name}-{'guard' if guarded else 'layer'}",
            marks=[pytest.mark.long] if name.startswith(LONG) else [],
        )
        for name in names
        for guarded in (False, True)
        if not guarded or name.startswith(GUARDED)
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the scripts are written for Linux")
@pytest.mark.skipif(not FOLDER.is_dir(), reason="there is no such folder here")
@pytest.mark.parametrize(("name", "guarded"), _scripts())
def test_the_feared_damage_does_not_happen(name: str, guarded: bool) -> None:
    environment = {**os.environ, "PROJECT": str(ROOT), "PY": sys.executable, "SRC": str(ROOT / "src")}
    if guarded:
        environment["FITDOCTOR_LAYER"] = "0"
    done = subprocess.run(
        ["bash", str(FOLDER / name / "run.sh")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TOO_LONG_S,
        check=False,
        env=environment,
    )
    assert "--> FEARED" not in done.stdout, done.stdout
    assert "--> OK" in done.stdout, done.stdout
