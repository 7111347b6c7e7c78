"""Takes the guard along into processes that `multiprocessing` starts afresh: a new interpreter knows nothing of it.

Forked workers have it anyway. Those that are spawned get a description of what to do first, pickled; ours puts an object into it
that installs the guard by being unpickled, before any code of the script's runs there.
"""

from __future__ import annotations

import functools
import json
from types import ModuleType
from typing import Any

from fitdoctor.probe.patches import Patches
from fitdoctor.probe.write_guard import LAUNCH

MODULES = ("multiprocessing.spawn", "joblib.externals.loky.backend.spawn", "loky.backend.spawn")
KEY = "fitdoctor"
START = """\
import importlib.util
found = importlib.util.spec_from_file_location("fitdoctor_launch", {launch!r})
launch = importlib.util.module_from_spec(found)
found.loader.exec_module(launch)
launch._make_importable()
from fitdoctor.probe import protection
import json
protection.protect_worker(json.loads({spec!r}))
"""


class Starter:
    """Installs the guard where it is unpickled."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._source = START.format(launch=LAUNCH, spec=json.dumps(spec))

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self._source, {})


def install(spawn: ModuleType, spec: dict[str, Any]) -> Patches:
    """Has each worker that is spawned from now on guarded.

    Args:
        spawn: One of `MODULES`.
        spec: What `protect_worker` needs.
    """
    patches = Patches()
    original = vars(spawn).get("get_preparation_data")
    if original is not None:

        @functools.wraps(original)
        def get_preparation_data(*arguments: Any, **keywords: Any) -> Any:
            data = original(*arguments, **keywords)
            if isinstance(data, dict):
                data[KEY] = Starter(spec)
            return data

        patches.put(spawn, "get_preparation_data", get_preparation_data)
    return patches
