"""Compares training after trials with plain training: the next steps must give the same weights.

For each kind of model and input, in a process of its own: the state after the first steps is kept; N plain steps of
`fit` are taken from it twice; arms are prepared, verified and timed; the state is put back; N plain steps are taken
again. Where the two plain runs agree bit for bit, so must the third.

    python -m bench.fidelity
    python -m bench.fidelity --steps 20 --rounds 3 --out docs/fidelity.md dense batch_norm
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

COLUMNS = ("Kind", "What is in it", "Arms", "Windows", "Two plain runs agree", "After the arms", "Largest difference")
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("kinds", nargs="*", help="all by default")
    options.add_argument("--steps", type=int, default=12)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--out", type=Path, help="write the table into this page, in place of the one that it has")
    options.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.one:
        from bench.fidelity.kinds import KINDS, measure

        print(json.dumps(measure(KINDS[arguments.kinds[0]], arguments.steps, arguments.rounds)))
        return
    from bench.fidelity.kinds import KINDS

    rows = []
    for name in arguments.kinds or KINDS:
        rows.append(_line(name, KINDS[name].__doc__ or "", _measured(name, arguments)))
        print(rows[-1], flush=True)
    if arguments.out:
        _write(arguments.out, "\n".join([HEAD, *rows]))


def _measured(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "bench.fidelity",
        "--one",
        "--steps",
        str(arguments.steps),
        "--rounds",
        str(arguments.rounds),
        name,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _line(name: str, what: str, row: dict[str, Any]) -> str:
    if "failed" in row:
        return f"| {name} | {what} | | | failed: {row['failed']} | | |"
    agree = "yes" if row["plain_agree"] else "no"
    after = "the same, bit for bit" if row["same"] else "not comparable" if not row["plain_agree"] else "**different**"
    return (
        f"| {name} | {what.rstrip('.')} | {row['arms']} | {row['windows']} | {agree} | {after} | {row['largest']:.3g} |"
    )


def _write(page: Path, table: str) -> None:
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- table -->\n")
    _, _, after = rest.partition("<!-- end of table -->")
    page.write_text(f"{before}<!-- table -->\n{table}\n<!-- end of table -->{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
