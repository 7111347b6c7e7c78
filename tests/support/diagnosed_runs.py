"""Runs whose planned rehearsals came out with given ratios."""

from __future__ import annotations

from typing import Any

from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Fit, Operation, Run
from fitdoctor.trials.plan import plan
from tests.support import builders as make

# Ratios of a run whose input costs nothing. Arms that are not named are as fast as the baseline.
QUICK = {"step/input-free": 1.0}


def diagnosed(run: Run, ratios: dict[str, float], **changed: Any) -> Run:
    """The run after every planned rehearsal came out with these ratios."""
    run.rehearsals = [make.rehearse(planned, ratios, **changed) for planned in plan(Facts(run))]
    return run


def pipeline_fit(**changed: Any) -> Fit:
    source = Operation(
        name="from_generator", position=0, site=make.site(9, "ds = from_generator(rows)"), python=True, stateful=True
    )
    parallel = Operation(
        name="map", position=1, site=make.site(10, "dataset.map(…)"), arguments={"num_parallel_calls": 2}
    )
    return make.fit(input_kind="tf.data", operations=make.chain(source, parallel, ("batch", 11)), epochs=50, **changed)


SLOW_INPUT = {
    "step/input-free": 6.0,
    "step/precomputed-input-line-9": 4.0,
    "step/batched-map-plain": 1.5,
    "step/batched-map-vectorized": 1.3,
    "step/prefetch": 1.0,
}
