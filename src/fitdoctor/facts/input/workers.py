"""The workers of a `PyDataset`, a `DataLoader` or an input of Grain."""

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
    """The workers that the constructor of a dataset sets, or `fit` on tf_keras."""

    # The number of workers.
    count: int
    # Whether they are processes.
    processes: bool
    # The line that sets them.
    site: Site | None
    # The call that takes them as arguments.
    call: Call = "PyDataset"
    # Whether the same processes continue from epoch to epoch.
    persistent: bool = False

    @property
    def data(self) -> str:
        """The name of the dataset's kind."""
        return NAMES[self.call]

    @property
    def argument(self) -> str:
        """The argument that sets their number."""
        return "num_workers" if self.call in ("DataLoader", "grain") else "workers"

    @property
    def restarted(self) -> bool:
        """Whether processes start again in each epoch because `persistent_workers` is missing."""
        return self.call == "DataLoader" and self.count > 0 and not self.persistent

    def written(self, arguments: str) -> str:
        """How to write other arguments in the source."""
        return f"model.fit(…, {arguments})" if self.call == "Model.fit" else f"{arguments} for the {self.data}"

    @property
    def alone(self) -> bool:
        """Whether batches are made one after another."""
        return self.count <= 1

    @property
    def any(self) -> bool:
        """Whether there are workers with a queue at all."""
        return self.count > 1 or self.count > 0 and self.processes


def workers_of(fit: Fit) -> Workers | None:
    """The workers of a fit, or None if its input can't have any."""
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
