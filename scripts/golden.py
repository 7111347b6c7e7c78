"""Shows whether reports changed: all but their words, for runs and bundles that were recorded before.

Run it before a change and after it. Numbers, ids, names and order must stay; sentences may be said in another way.

Example:
    python scripts/golden.py keep tests/bundles/golden tests/bundles/*.json
    python scripts/golden.py check tests/bundles/golden tests/bundles/*.json
"""

from __future__ import annotations

import argparse
import difflib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# Stands in the place of every text with a space in it: only those are sentences.
WORDS = "words"


def main(arguments: list[str] | None = None) -> int:
    """Keeps or checks; the exit code is 1 where a report differs from what was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("keep", "check"))
    parser.add_argument("golden", type=Path, help="the folder of what was kept")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, or bundles")
    given = parser.parse_args(arguments)
    different = [
        run for run in given.runs if not _settle(given.action, given.golden / f"{run.name.split('.')[0]}.json", run)
    ]
    return 1 if different else 0


def _settle(action: str, golden: Path, run: Path) -> bool:
    found = without_words(report(run))
    if action == "keep":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(found, encoding="utf-8")
        return True
    wanted = golden.read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        wanted.splitlines(), found.splitlines(), str(golden), f"the report of {run}", lineterm=""
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return found == wanted


def report(run: Path) -> Any:
    """What `fitdoctor report` makes of a run, as data."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "report.json"
        command = [sys.executable, "-m", "fitdoctor", "report", str(run), "-o", str(written)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not written.exists():
            raise SystemExit(f"Received no report of {run} (exit code {done.returncode}):\n{done.stderr}")
        return json.loads(written.read_text(encoding="utf-8"))


def without_words(data: Any) -> str:
    r"""The data as text, with its sentences left out.

    Example:
        >>> without_words({"id": "serial-map", "cost_s": 2, "title": "One sample at a time"})
        '{\n "id": "serial-map",\\n "cost_s": 2,\\n "title": "words"\\n}\\n'
    """
    return json.dumps(_plain(data), indent=1) + "\n"


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(value) for value in data]
    return WORDS if isinstance(data, str) and " " in data else data


if __name__ == "__main__":
    sys.exit(main())
