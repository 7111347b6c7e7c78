"""Instruments Keras and what is below it, each module when the script imports it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.apply import environment
from fitdoctor.probe.instrument import thread_settings
from fitdoctor.probe.roles.probe import Probe
from fitdoctor.probe.support.import_hook import ImportHook

if TYPE_CHECKING:
    from fitdoctor.probe.files.redirect import Redirect

TRACING = "tensorflow.python.eager.polymorphic_function.tracing_compilation"


def instrument_when_imported(probe: Probe, hook: ImportHook, redirect: Redirect | None) -> None:
    """Registers what is done after the import of each module.

    Args:
        probe: Of this process.
        hook: Calls back after imports.
        redirect: Where Keras saves to instead, if the script is only tried.
    """
    changes = probe.spec.get("process_changes", ())

    def after(name: str, act: Callable[[ModuleType], None]) -> None:
        hook.after(name, _declining(probe, act))

    after("tensorflow.python.data.ops.readers", lambda module: _record_pipelines(module, probe.spec["role"]))
    after("keras", lambda module: _instrument_keras(probe, module, redirect))
    after("tensorflow", lambda module: _instrument_tensorflow(module, changes))
    after(TRACING, lambda module: _time_traces(probe, module))
    hook.after("jax", lambda module: _time_compiles(probe, "watch_jax", module))
    hook.after("torch._dynamo.callback", lambda module: _time_compiles(probe, "watch_torch", module))
    after("tensorflow.python.ops.script_ops", lambda module: _note_python_operations(probe, module))
    after("tf_keras", lambda module: _instrument_keras(probe, module, redirect))


def _declining(probe: Probe, act: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    """Declines an unknown version of a module, instead of failing inside the script's own import."""

    def guarded(module: ModuleType) -> None:
        try:
            act(module)
        except Exception as error:  # an unknown module may raise anything
            probe.decline(_unknown(module, error))

    return guarded


def _unknown(module: ModuleType, error: Exception) -> str:
    version, place = getattr(module, "__version__", "without a version"), getattr(module, "__file__", "nowhere")
    return (
        f"Received {module.__name__} {version} from {place}, whose insides are not those that fitdoctor knows "
        f"({type(error).__name__}: {error}). Expected Keras 3.5 or later on TensorFlow, JAX or PyTorch, or tf_keras, "
        "as released. Check that no file or folder of your own has such a name, or update fitdoctor."
    )


def _record_pipelines(readers: ModuleType, role: str) -> None:
    from fitdoctor.probe.inputs import tfdata_recipes

    tfdata_recipes.install(sys.modules["tensorflow.python.data.ops.dataset_ops"], readers, replayable=role != "watch")


def _instrument_tensorflow(tensorflow: ModuleType, changes: Sequence[dict[str, Any]]) -> None:
    from fitdoctor.probe.backends.tensorflow import watch_eager_switch
    from fitdoctor.probe.trainer import debug_switches

    watch_eager_switch(tensorflow)
    debug_switches.install(tensorflow)
    thread_settings.install(tensorflow)
    environment.hold_calls(tensorflow, changes)


def _note_python_operations(probe: Probe, script_ops: ModuleType) -> None:
    from fitdoctor.probe.instrument import python_ops

    if hasattr(script_ops, "FuncRegistry"):  # else an unknown TensorFlow: Python in steps is not recorded
        python_ops.install(script_ops, probe.role.python_operation)


def _time_traces(probe: Probe, tracing: ModuleType) -> None:
    from fitdoctor.probe.instrument import tf_tracing

    if hasattr(tracing, "_create_concrete_function"):  # else an unknown TensorFlow: traces are not recorded
        tf_tracing.install(tracing, probe.role.traced)


def _time_compiles(probe: Probe, how: str, module: ModuleType) -> None:
    from fitdoctor.probe.instrument import compilation

    try:
        getattr(compilation, how)(module, probe.role.compiled_step)
    except Exception:  # an unknown JAX or PyTorch: its compiles are not recorded
        pass


def _instrument_keras(probe: Probe, keras: ModuleType, redirect: Redirect | None) -> None:
    from fitdoctor.probe import backends
    from fitdoctor.probe.instrument import install, saving

    why = install.declined(keras)
    legacy = keras.__name__ == backends.LEGACY
    if why and not legacy and hasattr(keras, "Model") and importlib.util.find_spec(backends.LEGACY):
        # TensorFlow imports Keras 3 in any case. Only a fit shows that the script trains with it.
        install.notify_of_fits(keras, lambda: probe.decline(why))
        return
    if why:
        probe.decline(why)
        return
    install.install(keras, probe.role)
    for lack in install.missing(keras):
        probe.role.missing(lack)
    saving.install(keras)
    if redirect is not None:
        redirect.install(keras)
    probe.role.imported(keras)
