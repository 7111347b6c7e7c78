"""How a `PyDataset` is read: by whom, and by how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fitdoctor.recording.model import Fit, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """What the constructor of a `PyDataset` was given, and where it was called; on tf_keras, what `fit` was given for its `Sequence`."""

    count: int
    processes: bool
    site: Site | None
    call: Literal["PyDataset", "Model.fit"] = "PyDataset"
    """What takes them as arguments."""

    @property
    def data(self) -> str:
        """What the dataset is called in the script."""
        return "PyDataset" if self.call == "PyDataset" else "Sequence"

    def written(self, arguments: str) -> str:
        """How a user writes other arguments."""
        return f"{arguments} for the PyDataset" if self.call == "PyDataset" else f"model.fit(…, {arguments})"

    @property
    def alone(self) -> bool:
        """Whether batches are made one after another."""
        return self.count <= 1

    @property
    def any(self) -> bool:
        """Whether Keras puts workers and a queue before the dataset at all."""
        return self.count > 1 or self.count > 0 and self.processes


def workers_of(fit: Fit) -> Workers | None:
    """The workers of a fit whose input is a `PyDataset`."""
    if fit.input_kind != "pydataset" or not fit.operations:
        return None
    source = fit.operations[0]
    count = source.arguments.get("workers")
    if not isinstance(count, int):
        return None
    processes = bool(source.arguments.get("use_multiprocessing"))
    if source.name == "sequence":
        return Workers(count=count, processes=processes, site=fit.site, call="Model.fit")
    return Workers(count=count, processes=processes, site=source.site)
