"""Tests the statistics of trials: what they call measured where nothing changed, and what they find where it did.

    python -m bench.trials record --out windows.json   records windows of identical arms, on nine kinds of script,
                                                       alone and beside a busy process
    python -m bench.trials replay windows.json         applies the decision rule to thousands of splits of them
    python -m bench.trials power windows.json          the same with slower references: share found, intervals that hold
    python -m bench.trials live --out live.json        runs whole rehearsals of remedies that change nothing
    python -m bench.trials delay --out delay.json      runs whole rehearsals that remove a delay of a known share
    python -m bench.trials drift --out drift.json      the cost of a step in fresh processes of one script

Prints Markdown. `docs/trials-measured.md` says what each table means. `live`, `delay` and `drift` only print the table where
`--table` is given. Run nothing else beside what records; `replay` and `power` run nothing of the user's.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
from pathlib import Path
from typing import Any

from bench.trials import tables
from bench.trials.children import kinds
from bench.trials.live import delay_trials, placebo_trials
from bench.trials.record import drift, record
from bench.trials.replay import Series

SLOWDOWNS = [0.05, 0.10, 0.20, 0.50]
REPEATS = {"live": 3, "delay": 5, "drift": 6}
DELAYED = "tiny_dense,convnet,eager,busy_callback"
"""Kinds whose steps are the main thread's own:

where a step waits for its input, a delay of the callback is hidden behind that.
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = options.add_subparsers(dest="command", required=True)
    command = commands.add_parser("record")
    command.add_argument(
        "--seconds", type=float, default=30, help="of the windows of each series; three times it where a round is long"
    )
    command.add_argument("--out", type=Path, required=True, help="also where an earlier call is taken up again")
    _of_kinds(command, "*")
    command.add_argument("--busy", choices=("both", "no", "yes"), default="both", help="beside a second busy process")
    for name in ("replay", "power"):
        command = commands.add_parser(name)
        command.add_argument("windows", type=Path, nargs="+")
        command.add_argument("--splits", type=int, default=400 if name == "replay" else 100, help="of each series")
        command.add_argument(
            "--trial", type=float, default=60 if name == "replay" else 30, help="seconds that a trial may take"
        )
    for name, wanted in (("live", "*"), ("delay", DELAYED), ("drift", "*")):
        command = commands.add_parser(name)
        _of_kinds(command, wanted)
        command.add_argument(
            "--repeats", type=int, default=REPEATS[name], help="rehearsals, or processes, of each kind"
        )
        command.add_argument("--trial", type=float, default=30, help="seconds that the trial of a rehearsal may take")
        command.add_argument("--out", type=Path, required=True, help="also where an earlier call is taken up again")
        command.add_argument("--table", action="store_true", help="run nothing")
    arguments = options.parse_args()
    {"record": _record, "replay": _replay, "power": _power}.get(arguments.command, _live)(arguments)


def _record(arguments: argparse.Namespace) -> None:
    found = json.loads(arguments.out.read_text()) if arguments.out.exists() else []
    for busy in [flag for flag in (False, True) if arguments.busy in ("both", "yes" if flag else "no")]:
        for kind, script in _wanted(arguments).items():
            if any((each["kind"], each["busy"]) == (kind, busy) for each in found):
                continue
            found.append(record(kind, script, busy, arguments.seconds).to_data())
            arguments.out.write_text(json.dumps(found))
            rounds = sum(map(len, found[-1]["sittings"]))
            print(
                f"{kind}{', busy' if busy else ''}: {rounds} rounds in {len(found[-1]['sittings'])} sittings",
                flush=True,
            )


def _replay(arguments: argparse.Namespace) -> None:
    found = _series(arguments.windows)
    print(tables.noise_table(found), "\n")
    print(tables.placebo_table(found, splits=arguments.splits, trial_s=arguments.trial))


def _power(arguments: argparse.Namespace) -> None:
    found, keywords = _series(arguments.windows), {"trial_s": arguments.trial, "slowdowns": SLOWDOWNS}
    print(tables.power_table(found, splits=arguments.splits, **keywords), "\n")
    print(f"Found within {arguments.trial:.0f} s / interval holds it:\n")
    print(tables.power_by_kind(found, splits=arguments.splits, **keywords))


def _live(arguments: argparse.Namespace) -> None:
    rows: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for kind, script in _wanted(arguments).items() if not arguments.table else []:
        if kind in rows:
            continue
        if arguments.command == "live":
            rows[kind] = placebo_trials(kind, script, arguments.repeats, arguments.trial)
        elif arguments.command == "delay":
            rows[kind] = delay_trials(kind, script, SLOWDOWNS, arguments.repeats, arguments.trial)
        else:
            rows[kind] = drift(script, arguments.repeats)
        arguments.out.write_text(json.dumps(rows, indent=1))
        print(f"{kind}: done", flush=True)
    flat = [row for own in rows.values() for row in own]
    if arguments.command == "live":
        print(tables.live_table(flat))
    elif arguments.command == "delay":
        print(tables.delay_table(flat, arguments.trial))
    else:
        print(tables.drift_table(rows))


def _of_kinds(command: argparse.ArgumentParser, wanted: str) -> None:
    command.add_argument("--only", default=wanted, help="names of kinds, with wildcards, separated by commas")


def _wanted(arguments: argparse.Namespace) -> dict[str, Path]:
    patterns = arguments.only.split(",")
    return {
        kind: script for kind, script in kinds().items() if any(fnmatch.fnmatch(kind, pattern) for pattern in patterns)
    }


def _series(files: list[Path]) -> list[Series]:
    """What was recorded, in as many files as it took: sittings of one kind make one series."""
    found: dict[tuple[str, bool], Series] = {}
    for each in (Series.from_data(each) for file in files for each in json.loads(file.read_text())):
        found.setdefault((each.kind, each.busy), Series(each.kind, each.busy, [])).sittings.extend(each.sittings)
    return list(found.values())


if __name__ == "__main__":
    main()
