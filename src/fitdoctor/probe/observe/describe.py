"""Describes a fit as plain data: its model, input, validation and callbacks."""

from __future__ import annotations

import inspect
import math
from types import FunctionType
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.backends import tensorflow
from fitdoctor.probe.inputs import containers, tfdata_recipes
from fitdoctor.probe.inputs.kinds import input_kind, is_sequence, rows, steps_of
from fitdoctor.probe.observe import describe_loaders
from fitdoctor.probe.support import call_sites, creation_sites, guard, static_attributes
from fitdoctor.probe.trainer import debug_switches
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.model import CallbackRecord, Fit, InputArray, Operation, Site

# Names in code that changes the training. A callback with one of them is never called less often.
STEERING_NAMES = {"set_weights", "load_weights", "assign", "learning_rate", "lr", "trainable", "compile"}
# Arguments for the workers of a `PyDataset`: of its constructor, or of `fit` in tf_keras.
WORKER_SETTINGS = ("workers", "use_multiprocessing", "max_queue_size")
SHOWN = (bool, int, float, str, type(None))


def fit(model: Any, bound: dict[str, Any], site: Site) -> Fit:
    """The record of a fit from its arguments. Durations are added while it runs."""
    x, batch_size = bound["x"], bound["batch_size"]
    kind = input_kind(x)
    count = rows(x) if kind == "arrays" else None
    if count and bound["validation_split"] and bound["validation_data"] is None:
        count = math.floor(count * (1 - bound["validation_split"]))
    if kind == "arrays" and not bound["steps_per_epoch"]:
        steps = math.ceil(count / (batch_size or DEFAULT_BATCH_SIZE)) if count else None
    else:
        steps = steps_of(x, batch_size, bound["steps_per_epoch"])
    on_tensorflow = backends.on_tensorflow()
    record = Fit(
        site=site,
        epochs=int(bound["epochs"]),
        initial_epoch=int(bound["initial_epoch"] or 0),
        steps_per_epoch=steps,
        steps_basis="declared" if steps else "unknown",
        steps_given=bool(bound["steps_per_epoch"]),
        batch_size=_batch_size(x, kind, batch_size),
        input_kind=kind,
        input_drawn=backends.current().drawn_in(),
        operations=_operations(x, kind, bound),
        inputs=_inputs(bound, kind),
        steps_per_execution=steps_per_execution(model),
        run_eagerly=bool(model.run_eagerly),
        eager_globally=on_tensorflow and tensorflow.eager_globally(),
        eager_site=tensorflow.eager_site() if on_tensorflow else None,
        jit_compile=bool(model.jit_compile),
        compile_site=creation_sites.site_of(model),
        optimizer=type(model.optimizer).__name__,
        verbose=bound["verbose"],
        validation_freq=bound["validation_freq"]
        if isinstance(bound["validation_freq"], int)
        else list(bound["validation_freq"]),
    )
    _describe_validation(record, bound, count)
    record.unrolled = _unrolled(model)
    return record


def steps_per_execution(model: Any) -> int:
    """The number of steps in one call of the train function. Keras keeps a number or a variable."""
    steps = model.steps_per_execution
    return int(steps.numpy() if hasattr(steps, "numpy") else steps or 1)


def _unrolled(model: Any) -> list[str]:
    """The recurrent layers with unrolled loops."""
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else getattr(model, "layers", ())
    return [str(layer.name) for layer in layers if getattr(layer, "unroll", False) is True]


def _inputs(bound: dict[str, Any], kind: str) -> list[InputArray]:
    """The containers of the data, or none if an unknown container fails."""
    try:
        return containers.arrays(bound, kind)
    except Exception as error:
        guard.note(error)
        return []


def _operations(x: Any, kind: str, settings: dict[str, Any] | None = None) -> list[Operation]:
    """The stages of the input. A Python input is one stage with the user's function.

    Args:
        x: The input.
        kind: Of the input.
        settings: The arguments of fit. In tf_keras, some are for the workers of a `Sequence`.
    """
    if kind == "tf.data":
        return tfdata_recipes.operations(x)
    if kind in ("generator", "pydataset"):
        code = getattr(x, "gi_code", None)
        function = (
            call_sites.of_code(code)
            if code is not None
            else call_sites.of_function(getattr(type(x), "__getitem__", None))
        )
        arguments = _worker_settings(x, settings or {}) if kind == "pydataset" else {}
        name = "sequence" if is_sequence(x) else kind
        site = creation_sites.site_of(x) or (call_sites.of_only_call(type(x)) if kind == "pydataset" else None)
        return [Operation(name=name, position=0, site=site, arguments=arguments, function=function, python=True)]
    if kind in ("dataloader", "grain"):
        described = guard.guarded(
            describe_loaders.data_loader if kind == "dataloader" else describe_loaders.grain_input, x
        )
        return [described] if described is not None else []
    return []


def _worker_settings(x: Any, settings: dict[str, Any]) -> dict[str, Any]:
    return {name: settings.get(name) if is_sequence(x) else getattr(x, name) for name in WORKER_SETTINGS}


def _batch_size(x: Any, kind: str, batch_size: int | None) -> int | None:
    if kind == "arrays":
        return batch_size or DEFAULT_BATCH_SIZE
    if kind == "tf.data":
        import tensorflow as tf

        specs = tf.nest.flatten(x.element_spec)
        shape = getattr(specs[0], "shape", None) if specs else None
        if shape is not None and shape.rank and shape[0]:
            return int(shape[0])
        for _, recipe in reversed(tfdata_recipes.chain(x)):
            if recipe.name in ("batch", "padded_batch"):
                size = recipe.keywords.get("batch_size", recipe.arguments[0] if recipe.arguments else None)
                return size if isinstance(size, int) else None
    if kind in ("dataloader", "grain"):
        size = getattr(x, "batch_size" if kind == "dataloader" else "_batch_size", None)
        return size if isinstance(size, int) else None
    return None


def _describe_validation(record: Fit, bound: dict[str, Any], train_rows: int | None) -> None:
    data, batch_size = bound["validation_data"], bound["validation_batch_size"] or bound["batch_size"]
    if data is not None:
        x = data[0] if isinstance(data, (tuple, list)) else data
        record.validation, record.validation_kind = "data", input_kind(x)
        record.validation_steps = steps_of(x, batch_size, bound["validation_steps"])
    elif bound["validation_split"]:
        total = rows(bound["x"])
        record.validation, record.validation_kind = "split", "arrays"
        record.validation_steps = (
            math.ceil((total - train_rows) / (batch_size or DEFAULT_BATCH_SIZE)) if total and train_rows else None
        )
    if record.validation_kind == "arrays":
        record.validation_batch_size = batch_size or DEFAULT_BATCH_SIZE
    elif record.validation_kind == "tf.data":
        record.validation_batch_size = _batch_size(data, "tf.data", None)
        record.validation_operations = _operations(data, "tf.data")


def callbacks(items: list[Any]) -> list[CallbackRecord]:
    """One record for each callback in a `CallbackList`, including those that Keras adds."""
    described = []
    for index, callback in enumerate(items):
        cls = type(callback)
        own = _is_users(cls)
        names = _names_in(cls) if own else set()
        described.append(
            CallbackRecord(
                index=index,
                name=cls.__name__,
                module=cls.__module__,
                own=own or cls.__name__ == "LambdaCallback",
                site=creation_sites.site_of(callback) or (call_sites.of_only_call(cls) if own else None),
                source=_class_site(cls) if own else None,
                hook_sources=_hook_sites(cls) if own else {},
                attributes={
                    k: v for k, v in static_attributes.state(callback).items() if _is_plain(v) and not k.startswith("_")
                }
                | debug_switches.profiled_batches(callback),
                may_stop="stop_training" in names or cls.__name__ in ("EarlyStopping", "TerminateOnNaN"),
                steers=bool(names & STEERING_NAMES)
                or cls.__name__ in ("LearningRateScheduler", "ReduceLROnPlateau", "SwapEMAWeights"),
            )
        )
    return described


def _is_plain(value: Any) -> bool:
    return isinstance(value, SHOWN) and not (isinstance(value, float) and not math.isfinite(value))


def _is_users(cls: type) -> bool:
    if cls.__module__ in ("__main__", "__mp_main__"):  # code of -c or of a prompt has no file
        return True
    try:
        return call_sites.is_users(inspect.getfile(cls))
    except (TypeError, OSError):
        return False


HOOK_NAMES = (
    "on_epoch_end",
    "on_train_batch_end",
    "on_epoch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_end",
)


def _hook_sites(cls: type) -> dict[str, Site]:
    """Where the user wrote each hook of a callback: in its class, or in the nearest base class."""
    users = [static_attributes.names(base) for base in reversed(static_attributes.bases(cls)) if _is_users(base)]
    found = {name: own[name] for own in users for name in HOOK_NAMES if name in own}
    return {name: site for name, function in found.items() if (site := call_sites.of_function(function)) is not None}


def _class_site(cls: type) -> Site | None:
    for name in HOOK_NAMES:
        function = static_attributes.names(cls).get(name)
        if function is not None:
            return call_sites.of_function(function)
    return None


def _names_in(cls: type) -> set[str]:
    names: set[str] = set()
    for base in static_attributes.bases(cls):
        if _is_users(base):
            for value in static_attributes.names(base).values():
                if isinstance(value, FunctionType):
                    names.update(value.__code__.co_names)
    return names


def environment(keras: Any) -> dict[str, Any]:
    """Versions and properties of the machine, for the report. Devices are added later."""
    import os
    import sys

    return {
        "python": sys.version.split()[0],
        "keras": keras.__version__,
        "backend": backends.name_of(keras),
        "backend_version": backends.of(keras).version(),
        "platform": _platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0,
    }


def _platform() -> str:
    """The text of `platform.platform()`, which on Linux would start a program, `uname`, in the user's process."""
    import os
    import platform
    import sys

    if sys.platform != "linux":
        return platform.platform()
    system = os.uname()
    return "-".join([system.sysname, system.release, system.machine, "with", "".join(platform.libc_ver())])
