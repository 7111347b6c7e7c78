"""Converts the containers of the data to arrays in memory, once, before the training."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import ConvertArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.containers import slow_containers
from fitdoctor.facts.locations import place
from fitdoctor.recording.model import Fit
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "one array"
TREATS = ("slow-input-container",)
SAFETY = "exact"
UNIT = "step"

# Containers whose rows are read with methods that an array does not have.
TABLES = frozenset({"pandas.DataFrame", "pandas.Series"})
# Containers of several arrays by name.
FILES = frozenset({"h5py.File", "h5py.Group"})


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    found = slow_containers(record)
    if not found:
        return
    names = ", ".join(part.name for part in found)
    if any(part.container in TABLES for part in found):
        yield Proposal(
            changes=(),
            how=f"take the rows from {names}.to_numpy(), made once",
            untried="A table is read with methods that an array does not have. Replace it by hand.",
        )
        return
    if record.input_kind == "dataloader":
        untried = "The container belongs to the dataset of the DataLoader, which a trial can't change."
        yield Proposal(
            changes=(),
            how=f"make arrays of {names} once, before fit: {found[0].name}[:] or np.asarray(…)",
            untried=untried,
        )
        return
    changes = tuple(_change(record, part.name) for part in found)
    first = found[0].name
    written = (
        f"{{name: part[:] for name, part in {first}.items()}}"
        if found[0].container in FILES
        else f"{first}[:] or np.asarray(…)"
    )
    yield Proposal(changes=changes, how=f"make arrays of {names} once, before fit: {written}")


def _change(record: Fit, name: str) -> ConvertArgument:
    argument, _, attribute = name.partition(".")
    return ConvertArgument(
        place=place(record.site), call="Model.fit", argument=argument.partition("[")[0], attribute=attribute
    )
