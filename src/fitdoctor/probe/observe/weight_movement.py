"""How far the weights of a model move from epoch to epoch:

a few fixed entries of each are read, and only as often as that is cheap.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import variable_reader
from fitdoctor.recording.model import Fit, SampledWeights, WeightReading

ENTRIES = 1024
"""Of each weight: the root mean square of so many differs from that of all by some 3 %."""
MOST_WEIGHTS = 64
MOST_READINGS = 32
"""An even number: beside the first reading, they are thinned out in pairs."""
SHARE = 0.002
"""Most of the time since the first fit began that readings may take."""
ONCE_S = 0.02
"""What they may take beyond that, once in a process: the first ones, before there is a share of anything."""
FIRST_S = 0.005
"""What a reading is taken to cost where there was none yet."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A weight that is read, and the positions of the entries that are."""

    variable: Any
    size: int
    index: Any


class Allowance:
    """What looking may cost in this process.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began_s: float | None = None
        self.spent_s = 0.0

    def permits(self, cost_s: float) -> bool:
        """Whether there is room for something of that cost."""
        if self._began_s is None:
            self._began_s = self._clock()
        return self.spent_s + cost_s <= ONCE_S + SHARE * (self._clock() - self._began_s)


class MovedWeights:
    """Reads the same entries of a model's weights again and again, in one call of `fit`.

    Their root mean square stands for the norm, which is as many times larger as the root of the number of entries: read
    whole, a large model would take longer than its epoch. Memory is constant: the last sample is kept, and a few dozen
    readings of a place.

    Args:
        record: Of the fit; filled.
        model: The model, built.
        allowance: Of the process.
        clock: Seconds.
    """

    def __init__(
        self, record: Fit, model: Any, allowance: Allowance, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._record, self._model, self._allowance, self._clock = record, model, allowance, clock
        self._chosen: list[Chosen] | None = None
        self._call = record.calls_run
        self._last: tuple[int, list[Any]] | None = None
        self._cost_s = FIRST_S

    def read(self, epoch: int, ended_s: float) -> float:
        """Takes a reading after `epoch` epochs, if it is the turn of one and there is room for it.

        Gives the seconds that it took.
        """
        if self._chosen == [] or not self._is_due(epoch) or not self._allowance.permits(self._cost_s):
            return 0.0
        began_s = self._clock()
        if self._chosen is None:
            self._chosen = _chosen(self._model)
        values = [variable_reader.entries(each.variable, each.index) for each in self._chosen]
        if values and all(value is not None for value in values):
            self._keep(self._chosen, epoch, ended_s, values)
        self._cost_s = self._clock() - began_s
        self._allowance.spent_s += self._cost_s
        if self._record.weights is not None:
            self._record.weights.cost_s += self._cost_s
        return self._cost_s

    def _is_due(self, epoch: int) -> bool:
        """Whether the last reading is as far away as those that are kept are from each other."""
        return self._last is None or epoch - self._last[0] >= _apart(self._record.weights, self._call)

    def _keep(self, chosen: list[Chosen], epoch: int, ended_s: float, values: list[Any]) -> None:
        kept, sizes = self._record.weights, [each.size for each in chosen]
        if (
            kept is None or kept.sizes != sizes
        ):  # another model at the same place: what was read of the one before says nothing of it
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
            first, *others = kept.readings  # the first one shows the weights as they were made
            kept.readings[:] = [first, *(_telling(*pair) for pair in zip(others[::2], others[1::2], strict=True))]


def _telling(first: WeightReading, second: WeightReading) -> WeightReading:
    """The one of two that says more: the first of a call has nothing to be compared with."""
    return first if first.moved and not second.moved else second


def _chosen(model: Any) -> list[Chosen]:
    """The weights that are read: those of two dimensions or more, if there are any."""
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


def _apart(kept: SampledWeights | None, call: int) -> int:
    """Epochs between the readings of this call that are kept: as they are thinned out, they are taken more rarely."""
    epochs = [reading.epoch for reading in kept.readings if reading.call == call] if kept is not None else []
    return max(1, (epochs[-1] - epochs[0]) // (len(epochs) - 1)) if len(epochs) > 2 else 1


def _rms(values: Any) -> float | None:
    import numpy as np

    with np.errstate(all="ignore"):
        found = float(np.sqrt(np.mean(np.square(values))))
    return float(f"{found:.6g}") if math.isfinite(found) else None
