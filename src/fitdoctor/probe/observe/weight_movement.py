"""Records how far the weights of a model move from epoch to epoch.

It reads a few fixed entries of each weight, and only as often as that is cheap.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import variable_reader
from fitdoctor.recording.model import Fit, SampledWeights, WeightReading

# Entries of each weight. Their root mean square differs from that of the whole weight by about 3 %.
ENTRIES = 1024
MOST_WEIGHTS = 64
# An even number: all readings but the first are thinned out in pairs.
MOST_READINGS = 32
# The largest share of the time since the first fit that readings may take.
SHARE = 0.002
# The time that the first readings of a process may take beyond that share.
ONCE_S = 0.02
# The expected cost of the first reading.
FIRST_S = 0.005


@dataclass(frozen=True, slots=True)
class Chosen:
    """A weight and the positions of the entries that are read."""

    variable: Any
    size: int
    index: Any


class ReadingBudget:
    """Limits the time of readings in this process.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began_s: float | None = None
        self.spent_s = 0.0

    def permits(self, cost_s: float) -> bool:
        """Whether a reading of this cost stays within the limit."""
        if self._began_s is None:
            self._began_s = self._clock()
        return self.spent_s + cost_s <= ONCE_S + SHARE * (self._clock() - self._began_s)


class WeightMovement:
    """Reads the same entries of a model's weights repeatedly, in one call of `fit`.

    Their root mean square replaces the norm: reading all weights of a large model could take longer than its epoch.
    Memory is constant: the last sample is kept, and a few dozen readings for each call site.

    Args:
        record: Of the fit. It is filled.
        model: The built model.
        budget: Of the process.
        clock: Seconds.
    """

    def __init__(
        self, record: Fit, model: Any, budget: ReadingBudget, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._record, self._model, self._budget, self._clock = record, model, budget, clock
        self._chosen: list[Chosen] | None = None
        self._call = record.calls_run
        self._last: tuple[int, list[Any]] | None = None
        self._cost_s = FIRST_S

    def read(self, epoch: int, ended_s: float) -> float:
        """Takes a reading after `epoch` epochs if one is due and within the budget. Gives its seconds."""
        if self._chosen == [] or not self._is_due(epoch) or not self._budget.permits(self._cost_s):
            return 0.0
        began_s = self._clock()
        if self._chosen is None:
            self._chosen = _chosen(self._model)
        values = [variable_reader.entries(each.variable, each.index) for each in self._chosen]
        if values and all(value is not None for value in values):
            self._keep(self._chosen, epoch, ended_s, values)
        self._cost_s = self._clock() - began_s
        self._budget.spent_s += self._cost_s
        if self._record.weights is not None:
            self._record.weights.cost_s += self._cost_s
        return self._cost_s

    def _is_due(self, epoch: int) -> bool:
        """Whether the last reading is as old as the interval of the kept readings."""
        return self._last is None or epoch - self._last[0] >= _interval(self._record.weights, self._call)

    def _keep(self, chosen: list[Chosen], epoch: int, ended_s: float, values: list[Any]) -> None:
        kept, sizes = self._record.weights, [each.size for each in chosen]
        if kept is None or kept.sizes != sizes:  # the first reading, or another model than before
            names = [str(getattr(each.variable, "path", None) or each.variable.name) for each in chosen]
            kept = self._record.weights = SampledWeights(names=names, sizes=sizes, entries=ENTRIES)
        since, before = self._last or (epoch, None)
        moved = [] if before is None else [_rms(now - then) for now, then in zip(values, before, strict=True)]
        reading = WeightReading(
            call=self._call,
            epoch=epoch,
            since=epoch - since,
            ended_s=ended_s,
            rms=[_rms(value) for value in values],
            moved=moved,
        )
        self._last = (epoch, values)
        kept.readings.append(reading)
        if len(kept.readings) > MOST_READINGS:
            first, *others = kept.readings  # the first reading shows the initial weights
            kept.readings[:] = [
                first,
                *(_more_informative(*pair) for pair in zip(others[::2], others[1::2], strict=True)),
            ]


def _more_informative(first: WeightReading, second: WeightReading) -> WeightReading:
    """The second of two readings, unless only the first can be compared with an earlier one."""
    return first if first.moved and not second.moved else second


def _chosen(model: Any) -> list[Chosen]:
    """The weights that are read: those with two or more dimensions, if there are any."""
    import numpy as np

    sized = [(variable, math.prod(int(size) for size in variable.shape)) for variable in model.trainable_variables]
    sized = [(variable, size) for variable, size in sized if size]
    kernels = [(variable, size) for variable, size in sized if len(variable.shape) > 1] or sized
    most = min(len(kernels), MOST_WEIGHTS)
    picked = [kernels[round(at * (len(kernels) - 1) / max(1, most - 1))] for at in range(most)]
    return [
        Chosen(variable, size, np.unique(np.linspace(0, size - 1, min(size, ENTRIES)).astype(np.int64)))
        for variable, size in picked
    ]


def _interval(kept: SampledWeights | None, call: int) -> int:
    """The epochs between the kept readings of this call. Thinning out makes it longer."""
    epochs = [reading.epoch for reading in kept.readings if reading.call == call] if kept is not None else []
    return max(1, (epochs[-1] - epochs[0]) // (len(epochs) - 1)) if len(epochs) > 2 else 1


def _rms(values: Any) -> float | None:
    import numpy as np

    with np.errstate(all="ignore"):
        found = float(np.sqrt(np.mean(np.square(values))))
    return float(f"{found:.6g}") if math.isfinite(found) else None
