"""Describes the metrics of a compiled model, and leaves some out for a trial."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.trainer import tf_keras_internals
from fitdoctor.recording.model import MetricRecord, Site


def records(model: Any) -> list[MetricRecord]:
    """One record for each metric of `compile`, without the loss; none before Keras has built them."""
    return [_record(metric) for metric in _all(model)]


def names(model: Any) -> tuple[str, ...]:
    """The names of the metrics that a train function computes if it is traced now."""
    return tuple(str(metric.name) for metric in _all(model))


def keep(model: Any, kept: list[str]) -> Callable[[], None]:
    """Leaves out all metrics except those with the given names. The result restores the others.

    Raises:
        ValueError: The model has no metrics, or they are not built yet.
    """
    for compiled in _containers(model):
        return tf_keras_internals.keep_metrics(compiled, kept)
    lists = list(_lists(model))
    if not lists:
        raise ValueError("the model's metrics are not built yet, or it has none")
    before = [held.metrics for held in lists]
    for held, metrics in zip(lists, before, strict=True):
        # `vars`: Keras would track variables of the new list as those of the model.
        vars(held)["metrics"] = [metric for metric in metrics if metric.name in kept]

    def undo() -> None:
        for held, metrics in zip(lists, before, strict=True):
            vars(held)["metrics"] = metrics

    return undo


def keep_once_built(model: Any, kept: list[str], report: Callable[[list[str]], None]) -> Callable[[], None]:
    """Leaves out metrics as soon as Keras has built them, which may be in the first step.

    Args:
        model: The model.
        kept: The names of the metrics that stay.
        report: Gets the names of those that are left out.
    """
    undos: list[Any] = []
    compiled: Any = getattr(model, "compiled_metrics" if backends.is_legacy(model) else "_compile_metrics", None)

    def leave_out() -> None:
        report([name for name in names(model) if name not in kept])
        undos.append(keep(model, kept))

    def build(*arguments: Any, **keywords: Any) -> None:
        del vars(compiled)["build"]
        compiled.build(*arguments, **keywords)
        leave_out()

    def undo() -> None:
        if compiled is not None:
            vars(compiled).pop("build", None)
        for each in undos:
            each()

    if compiled is None or compiled.built:
        leave_out()
    else:
        # `vars`: Keras would track the attribute.
        vars(compiled)["build"] = tf_keras_internals.unconverted(build) if backends.is_legacy(model) else build
    return undo


def _all(model: Any) -> Iterator[Any]:
    for held in (*_lists(model), *_containers(model)):
        yield from held.metrics


def _containers(model: Any) -> Iterator[Any]:
    """The container of all metrics in tf_keras."""
    compiled = getattr(model, "compiled_metrics", None)
    if backends.is_legacy(model) and getattr(compiled, "built", False):
        yield compiled


def _lists(model: Any) -> Iterator[Any]:
    """The lists of metrics in Keras 3, one for each output with metrics."""
    compiled = getattr(model, "_compile_metrics", None)
    if compiled is None or not getattr(compiled, "built", False):
        return
    for held in (*compiled._flat_metrics, *compiled._flat_weighted_metrics):
        if held is not None and isinstance(getattr(held, "metrics", None), list):
            yield held


def _record(metric: Any) -> MetricRecord:
    size = sum(prod(tuple(variable.shape)) for variable in metric.variables)
    source = _source(metric)
    lines = _lines_of(metric) if source is not None else []
    return MetricRecord(
        name=str(metric.name), kind=type(metric).__name__, state_size=int(size), source=source, lines=lines
    )


def _source(metric: Any) -> Site | None:
    """Where the user wrote a metric: the class, or the function that Keras has wrapped."""
    function = getattr(metric, "_fn", None)
    if function is not None:
        return call_sites.of_function(inspect.unwrap(function))
    return call_sites.of_function(vars(type(metric)).get("update_state"))


def _lines_of(metric: Any) -> list[int]:
    """The first and last line of the user's class or function, if the source is readable."""
    function = getattr(metric, "_fn", None)
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(function) if function is not None else type(metric))
    except (OSError, TypeError):
        return []
    return [first, first + len(lines) - 1]
