"""Changes that need a process of their own: which they are, the environment that they ask for, and how it is held in
that process.

What TensorFlow reads when it starts can't be changed later. So these changes are made where a process begins:
`environment` gives what it is started with, and `hold_variables` sees to it that the script does not put its own value
back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fitdoctor.changes.allowed import problem
from fitdoctor.changes.model import SetArgument, SetEnvironment

INTRA_OP = "tf.config.threading.set_intra_op_parallelism_threads"
INTER_OP = "tf.config.threading.set_inter_op_parallelism_threads"
# Calls that only count before TensorFlow has started.
START_CALLS = frozenset({INTRA_OP, INTER_OP})


def of_process(changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of some changes, as data, those that must be made where a process begins.

    Example:
        >>> of_process(treatment.changes)
        [{'kind': 'set-environment', 'name': 'TF_NUM_INTRAOP_THREADS', 'value': None, 'place': …}]
    """
    return [change for change in changes if change["kind"] == SetEnvironment.kind or is_start_call(change)]


def is_start_call(change: Mapping[str, Any]) -> bool:
    return change["kind"] == SetArgument.kind and change.get("call") in START_CALLS


def environment(changes: Iterable[dict[str, Any]], before: Mapping[str, str]) -> dict[str, str]:
    """The environment to start a process with, made from the one `before`.

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
    """The variables that changes set; one that none may set is left as it is, whoever asks for it."""
    ours = [change for change in changes if change["kind"] == SetEnvironment.kind]
    return {change["name"]: change["value"] for change in ours if not problem(SetEnvironment.kind, dict(change))}
