"""How a `PyDataset` is read: by whom, and by how many."""

from __future__ import annotations

from dataclasses import dataclass

from fitdoctor.recording.model import Fit, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """What the constructor of a `PyDataset` was given, and where it was called."""

    count: int
    processes: bool
    site: Site | None

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
    return Workers(count=count, processes=bool(source.arguments.get("use_multiprocessing")), site=source.site)
