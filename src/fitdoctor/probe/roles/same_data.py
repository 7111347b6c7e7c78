"""Whether a call is given what it was given when it was diagnosed: only then are its changes known to be right."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.inputs import containers, kinds
from fitdoctor.probe.observe import describe
from fitdoctor.recording.model import Site


def of_fit(model: Any, bound: dict[str, Any], expected: dict[str, Any], *, first: bool) -> str:
    """What differs between the data of a call of `fit` and the record of the diagnosed one, in words; empty where
    nothing does.

    Args:
        model: The model that is fitted.
        bound: Fit's arguments by name.
        expected: `input_kind`, `inputs`, `batch_size` and `steps_per_epoch` as they were recorded. What is not there is
            not compared.
        first: Whether this is the first call at its place, which is the one that was recorded. The length of later ones
            may differ.
    """
    kind = kinds.input_kind(bound["x"])
    if kind != expected.get("input_kind", kind):
        return f"its input is {kind}, and {expected['input_kind']} was diagnosed"
    if "inputs" in expected:
        now, then = (
            [_shape(part.name, part.dtype, part.shape, kind) for part in containers.arrays(bound, kind)],
            expected["inputs"],
        )
        before = [_shape(part["name"], part["dtype"], part["shape"], kind) for part in then]
        if now != before:
            return f"its data is {_words(now)}, and {_words(before)} was diagnosed"
    if not first:
        return ""
    record = describe.fit(model, bound, Site(file="", line=0))
    for name, word in (("batch_size", "batch size"), ("steps_per_epoch", "number of steps in an epoch")):
        value, wanted = getattr(record, name), expected.get(name)
        if value is not None and wanted is not None and value != wanted:
            return f"its {word} is {value}, and {wanted} was diagnosed"
    return ""


def of_loop(bound: dict[str, Any], expected: dict[str, Any]) -> str:
    """The same for a call of `predict` and the like, where fewer rows are no other case."""
    rows, wanted = kinds.rows(bound.get("x")), expected.get("rows")
    if wanted is None or rows is not None and rows <= max(wanted, int(expected.get("batch_size") or 0)):
        return ""
    return f"it is given {'data of unknown length' if rows is None else f'{rows} rows'}, and {wanted} were diagnosed"


def _shape(name: str, dtype: str, shape: list[int | None], kind: str) -> tuple[str, str, list[int | None]]:
    return name, dtype, list(shape[1:] if kind == "arrays" else shape)


def _words(parts: list[tuple[str, str, list[int | None]]]) -> str:
    return (
        ", ".join(f"{name} of {dtype or 'another type'} {tuple(shape)}" for name, dtype, shape in parts)
        or "of no known shape"
    )
