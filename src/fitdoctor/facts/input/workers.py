"""How a `PyDataset`, a `DataLoader` or an input of Grain is read: by whom, and by how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fitdoctor.recording.model import Fit, Site

Call = Literal["PyDataset", "Model.fit", "DataLoader", "grain"]
NAMES: dict[Call, str] = {
    "PyDataset": "PyDataset",
    "Model.fit": "Sequence",
    "DataLoader": "DataLoader",
    "grain": "Grain input",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """What the constructor of a `PyDataset` or `DataLoader` was given, and where it was called; on tf_keras, what `fit`
    was given.
    """

    count: int
    processes: bool
    site: Site | None
    call: Call = "PyDataset"
    """What takes them as arguments."""
    persistent: bool = False
    """Whether the same processes go on from epoch to epoch."""

    @property
    def data(self) -> str:
        """What the dataset is called in the script."""
        return NAMES[self.call]

    @property
    def argument(self) -> str:
        """What takes their number."""
        return "num_workers" if self.call in ("DataLoader", "grain") else "workers"

    @property
    def restarted(self) -> bool:
        """Whether processes are started anew in each epoch because an argument was not given."""
        return self.call == "DataLoader" and self.count > 0 and not self.persistent

    def written(self, arguments: str) -> str:
        """How a user writes other arguments."""
        return f"model.fit(…, {arguments})" if self.call == "Model.fit" else f"{arguments} for the {self.data}"

    @property
    def alone(self) -> bool:
        """Whether batches are made one after another."""
        return self.count <= 1

    @property
    def any(self) -> bool:
        """Whether workers and a queue stand before the dataset at all."""
        return self.count > 1 or self.count > 0 and self.processes


def workers_of(fit: Fit) -> Workers | None:
    """The workers of a fit whose input is one that may have some."""
    if not fit.operations:
        return None
    source = fit.operations[0]
    if fit.input_kind in ("dataloader", "grain"):
        call: Call = "DataLoader" if fit.input_kind == "dataloader" else "grain"
        number, persistent = source.arguments.get("num_workers"), bool(source.arguments.get("persistent_workers"))
        if not isinstance(number, int):
            return None
        site = source.site or fit.input_made
        return Workers(count=number, processes=number > 0, site=site, call=call, persistent=persistent)
    if fit.input_kind != "pydataset":
        return None
    count = source.arguments.get("workers")
    if not isinstance(count, int):
        return None
    processes = bool(source.arguments.get("use_multiprocessing"))
    if source.name == "sequence":
        return Workers(count=count, processes=processes, site=fit.site, call="Model.fit")
    return Workers(count=count, processes=processes, site=source.site)
