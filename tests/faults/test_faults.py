"""Each part that runs in the user's process fails in turn.

The script ends as it would alone, and the record says what is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

SHARES = 2
# A busy machine takes five minutes.
TOO_LONG_S = 1200
Row = dict[str, Any]

# The only parts that must not fail: they keep failures of all other parts away from the script.
GUARDS = {
    # They become the script, and report its ending. Nothing around them could go on.
    "launch.py:main",
    "launch.py:_start_harmlessly",
    "launch.py:_run",
    "launch.py:_run_file",
    "launch.py:_become_main",
    "launch.py:_report",
    "launch.py:_print_as_python_would",
    "launch.py:_silence_excepthook",
    # They replace functions that the script or its libraries call, and hold nothing but that call and guards.
    "probe/support/guard.py:guarded",
    "probe/support/import_hook.py:_Finder.find_spec",
    "probe/support/import_hook.py:_Finder._find.<locals>.exec_module",
    "probe/support/import_hook.py:_Finder._find.<locals>.exec_module.<locals>.<lambda>",
    "probe/roles/start.py:start.<locals>.around",
    "probe/instrument/install.py:_patch.<locals>.wrapper",
    "probe/instrument/install.py:_decision.<locals>.compile_",
    "probe/instrument/step_hooks.py:hook.<locals>.sampled",
    "probe/instrument/step_hooks.py:_begin.<locals>.wrapper",
    "probe/instrument/step_hooks.py:_end.<locals>.wrapper",
    "probe/instrument/install.py:_notify_of_objects.<locals>.wrapper",
    "probe/roles/watch.py:WatchRole.unit",
    "probe/roles/watch.py:WatchRole.hook",
    "probe/roles/watch.py:WatchRole.compiled",
    "probe/roles/watch.py:WatchRole.constructed",
    "probe/roles/watch.py:WatchRole.traced",
    "probe/roles/watch.py:WatchRole._guarded",
    "probe/instrument/callback_timing.py:CallbackTimer._time.<locals>.around.<locals>.timed",
    "probe/instrument/callback_patches.py:_ClassHook.__get__",
    "probe/backends/tensorflow.py:watch_eager_switch.<locals>.wrapper",
    "probe/trainer/debug_switches.py:_with_site_kept.<locals>.wrapper",
    "probe/trainer/debug_switches.py:_with_arguments_kept.<locals>.wrapper",
    "probe/instrument/thread_settings.py:_recorded.<locals>.wrapper",
    "probe/instrument/tf_tracing.py:install.<locals>.wrapper",
    "probe/instrument/python_ops.py:install.<locals>.inserted",
    "probe/instrument/python_ops.py:install.<locals>.called",
    "probe/inputs/tfdata_recipes.py:_recorded.<locals>.wrapper",
    "probe/inputs/tfdata_recipes.py:_recorded_constructor.<locals>.wrapper",
    "probe/instrument/saving.py:_counted.<locals>.counted",
    "probe/support/creation_sites.py:mark.<locals>.<lambda>",
}
# Without them, the traceback of the script's own error has lines of ours.
ONLY_SHOW = {"launch.py:_remove_our_frames", "launch.py:_without_ours", "launch.py:_is_ours"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The result of the script with each fault. Several processes share the parts."""
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)]),
        "OPENBLAS_NUM_THREADS": "1",
    }
    started = []
    for share in range(SHARES):
        folder = tmp_path_factory.mktemp("share")
        command = [sys.executable, str(Path(__file__).with_name("driver.py")), str(folder), str(share), str(SHARES)]
        started.append(
            subprocess.Popen(
                command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    found = []
    for process in started:
        out, errors = process.communicate(timeout=TOO_LONG_S)
        assert process.returncode == 0, errors[-2000:]
        found += [json.loads(line) for line in out.splitlines()]
    return found


def part_of(row: Row) -> str:
    """The name of a part without its line number, which changes."""
    file, _, rest = row["part"].partition(":")
    return f"{file}:{rest.partition(':')[2]}" if rest else str(row["part"])


def faults(rows: list[Row]) -> Iterator[Row]:
    return (row for row in rows if row["part"] and part_of(row) not in GUARDS)


def plain_run(rows: list[Row], row: Row) -> Row:
    return next(each for each in rows if each.get("plain") and each["ending"] == row["ending"])


def without_fault(rows: list[Row], row: Row) -> Row:
    return next(each for each in rows if not each.get("plain") and not each["part"] and each["ending"] == row["ending"])


def scripts_own(errors: str) -> str:
    return "".join(line for line in errors.splitlines(keepends=True) if not line.startswith("fitdoctor: "))


def shape(value: Any) -> Any:
    """The part of a record that is always the same: no times, no sizes, no samples."""
    if isinstance(value, dict):
        return {
            name: shape(part)
            for name, part in value.items()
            if not name.endswith("_s") and "bytes" not in name and name not in ("hot_lines", "limits")
        }
    if isinstance(value, list):
        return [shape(part) for part in value]
    return None if isinstance(value, float) else value


def differences(rows: list[Row], row: Row) -> list[str]:
    plain = plain_run(rows, row)
    found = [name for name in ("code", "out", "files") if row[name] != plain[name]]
    if part_of(row) in ONLY_SHOW:
        return found + (["err"] if row["err"].splitlines()[-1] != plain["err"].splitlines()[-1] else [])
    return found + (["err"] if scripts_own(row["err"]) != plain["err"] else [])


def test_without_a_fault_the_script_is_unchanged_and_recorded(rows: list[Row]) -> None:
    watched = [row for row in rows if not row["part"] and not row.get("plain")]
    assert {row["ending"]: row["code"] for row in watched} == {"end": 0, "exit": 3, "error": 1, "interrupt": -2}
    for row in watched:
        assert differences(rows, row) == []
        assert "fitdoctor" not in row["err"]
        assert [limit for limit in row["record"]["limits"] if "in a thread" not in limit] == []
        assert [fit["calls_run"] for fit in row["record"]["fits"]] == [1, 1, 3, 1]


def test_a_fault_does_not_change_the_training(rows: list[Row]) -> None:
    tried = list(faults(rows))
    assert len(tried) > 200  # with less, parts are no longer found
    assert [
        (row["ending"], row["part"], row["error"], found) for row in tried if (found := differences(rows, row))
    ] == []


def test_the_record_names_missing_parts(rows: list[Row]) -> None:
    """An unreadable record reports itself, and stderr is the last resort."""
    silent = []
    for row in faults(rows):
        record, whole = row["record"], without_fault(rows, row)["record"]
        said = record is None or "fitdoctor: " in row["err"] or set(record["limits"]) - set(whole["limits"])
        if not said and record["ending"]["how"] != "unfinished" and shape(record) != shape(whole):
            silent.append((row["ending"], row["part"], row["error"]))
    assert silent == []


def test_all_listed_guards_exist(rows: list[Row]) -> None:
    assert GUARDS - {part_of(row) for row in rows} == set()
