"""Shows whether reports of recorded runs and bundles changed in more than their words.

Run `keep` before a change and `check` after it. Numbers, ids, names and their order must stay the same. Sentences may
change.

Example:
    $ python scripts/golden.py keep tests/bundles/golden tests/bundles/*.json
    $ python scripts/golden.py check tests/bundles/golden tests/bundles/*.json
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from fitdoctor.analysis import build
from fitdoctor.recording.folder import find_recording
from fitdoctor.recording.load import load_run
from fitdoctor.report.json import to_json

# Replaces every text with a space in it: only those are sentences.
WORDS = "words"

# Digits that are compared: versions of SciPy differ in the last ones.
DIGITS = 6


def main(arguments: list[str] | None = None) -> int:
    """Keeps or checks; the exit code is 1 if a report differs from the kept one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("keep", "check"))
    parser.add_argument("golden", type=Path, help="the folder of the kept reports")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, or bundles")
    given = parser.parse_args(arguments)
    different = 0
    for run in given.runs:
        kept = given.golden / f"{run.name.split('.')[0]}.json"
        if given.action == "keep":
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(without_words(report(run)), encoding="utf-8")
            continue
        lines = differences(kept, run)
        sys.stdout.writelines(f"{line}\n" for line in lines)
        different += bool(lines)
    return 1 if different else 0


def differences(kept: Path, run: Path) -> list[str]:
    """Compares the report of a run with the kept one, and returns the lines of a diff."""
    wanted = without_words(json.loads(kept.read_text(encoding="utf-8")))
    found = without_words(report(run))
    names = (str(kept), f"the report of {run}")
    return list(difflib.unified_diff(wanted.splitlines(), found.splitlines(), *names, lineterm=""))


def report(run: Path) -> Any:
    """Returns the report of a run as `fitdoctor report -o report.json` writes it, as data.

    Raises:
        FitdoctorError: There is no such run.
    """
    recording, shown = find_recording(str(run))
    return json.loads(to_json(replace(build(load_run(recording)), run=shown)))


def without_words(data: Any) -> str:
    r"""Returns the data as text, without its sentences and without the last digits of its figures.

    Example:
        >>> without_words({"id": "serial-map", "cost_s": 2, "title": "One sample at a time"})
        '{\n "id": "serial-map",\n "cost_s": 2,\n "title": "words"\n}\n'
    """
    return json.dumps(_plain(data), indent=1) + "\n"


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(value) for value in data]
    if isinstance(data, float):
        return float(f"{data:.{DIGITS}g}")
    return WORDS if isinstance(data, str) and " " in data else data


if __name__ == "__main__":
    sys.exit(main())
