"""Finds profilers and debugging aids that are on while fit runs, and turns them off for a while."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fitdoctor.probe.support import call_sites, guard, static_attributes
from fitdoctor.probe.support.patches import Patches
from fitdoctor.recording.model import DebugSwitch, Site

CHECK_NUMERICS = "tf.debugging.enable_check_numerics"
DEBUG_MODE = "tf.data.experimental.enable_debug_mode"
PROFILER = "tf.profiler.experimental.start"
CALLS = (CHECK_NUMERICS, DEBUG_MODE, PROFILER)

_sites: dict[str, Site | None] = {}
# Repeats the last call of each switch.
_started: dict[str, Callable[[], None]] = {}


def install(tensorflow: ModuleType) -> Patches:
    """Records the place and the arguments of the last call of each switch, until the result undoes it."""
    patches = Patches()
    for call in CALLS:
        patches.put_call(tensorflow, call, functools.partial(_with_site_kept, call))
    # `tf.profiler.experimental.Profile` does not use the public function.
    inside = sys.modules.get("tensorflow.python.profiler.profiler_v2")
    if inside is not None and "start" in vars(inside):
        patches.put(inside, "start", _with_arguments_kept(PROFILER, vars(inside)["start"]))
    return patches


def _with_site_kept(call: str, original: Any) -> Any:
    inner = _with_arguments_kept(call, original)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        site = guard.guarded(call_sites.find)
        if site is not None:
            _sites[call] = site
        return inner(*args, **kwargs)

    return wrapper


def _with_arguments_kept(call: str, original: Any) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        _started[call] = functools.partial(original, *args, **kwargs)
        return result

    return wrapper


def on() -> list[DebugSwitch]:
    """The switches that are on now."""
    return [DebugSwitch(call=call, site=_sites.get(call)) for call in CALLS if is_on(call)]


def is_on(call: str) -> bool:
    """Whether the switch of this call is on."""
    if call == CHECK_NUMERICS:
        state = _inside("tensorflow.python.debug.lib.check_numerics_callback", "_state")
        return hasattr(state, "check_numerics_callback")
    if call == DEBUG_MODE:
        return bool(_inside("tensorflow.python.data.ops.debug_mode", "DEBUG_MODE"))
    return _inside("tensorflow.python.profiler.profiler_v2", "_profiler") is not None


def turned_off(call: str) -> Callable[[], None]:
    """Turns a switch off. The result turns it on again.

    Raises:
        ValueError: There is no such switch, or it is off.
    """
    import tensorflow as tf

    if call not in CALLS or not is_on(call):
        raise ValueError(f"{call} was expected to be on")
    if call == CHECK_NUMERICS:
        tf.debugging.disable_check_numerics()
        again: Callable[[], None] = tf.debugging.enable_check_numerics
        return again
    if call == DEBUG_MODE:
        from tensorflow.python.data.ops import debug_mode

        debug_mode.toggle_debug_mode(False)
        return functools.partial(debug_mode.toggle_debug_mode, True)
    import tempfile

    tf.profiler.experimental.stop(save=False)
    # A profiler writes its files when the script stops it. A child process of ours ends before that.
    return _started.get(call) or functools.partial(tf.profiler.experimental.start, tempfile.gettempdir())


def profiled_batches(callback: Any) -> dict[str, Any]:
    """The range of batches that a `TensorBoard` profiles, by the name of its argument; empty if it profiles none."""
    own = static_attributes.state(callback)
    first, last = own.get("_start_batch", 0), own.get("_stop_batch", 0)
    if own.get("_should_trace", False) and isinstance(first, int) and isinstance(last, int):
        return {"profile_batch": [first, last]}
    return {}


def _inside(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, None)
