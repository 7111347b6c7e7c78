"""Changes that need a process of their own, and the environment of that process.

TensorFlow reads some settings only once, when it starts. So these changes are made before a process starts:
`environment` returns its environment. `probe` then prevents the script from restoring its own values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fitdoctor.changes.allowed import problem
from fitdoctor.changes.model import SetArgument, SetEnvironment

INTRA_OP = "tf.config.threading.set_intra_op_parallelism_threads"
INTER_OP = "tf.config.threading.set_inter_op_parallelism_threads"
# Calls that have an effect only before TensorFlow starts.
START_CALLS = frozenset({INTRA_OP, INTER_OP})


def of_process(changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The changes, as data, that must be made before a process starts.

    Example:
        >>> of_process(treatment.changes)
        [{'kind': 'set-environment', 'name': 'TF_NUM_INTRAOP_THREADS', 'value': None, 'place': …}]
    """
    return [change for change in changes if change["kind"] == SetEnvironment.kind or is_start_call(change)]


def is_start_call(change: Mapping[str, Any]) -> bool:
    return change["kind"] == SetArgument.kind and change.get("call") in START_CALLS


def environment(changes: Iterable[dict[str, Any]], before: Mapping[str, str]) -> dict[str, str]:
    """The environment of a new process, made from the environment `before`.

    Example:
        >>> subprocess.Popen(command, env=environment(prescription_changes, os.environ))
    """
    made = dict(before)
    for name, value in variables(changes).items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = value
    return made


def variables(changes: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """The variables that changes set. Variables that no change may set are ignored."""
    ours = [change for change in changes if change["kind"] == SetEnvironment.kind]
    return {change["name"]: change["value"] for change in ours if not problem(SetEnvironment.kind, dict(change))}
