"""Metrics take a visible part of each training step.

## What it is
`compile` gets metrics that do much work for each batch: an `AUC` or a precision at a recall, which count at hundreds of
thresholds, a confusion matrix or an F-score over many classes, a metric of the script's own, or simply many metrics.

## Why it is slow
Each metric is computed and added up in every step, and its result is fetched for the logs. The optimizer uses none of
it. With a small model, metrics are a large part of a step.

## How it is detected
The metrics and the size of their state are read from the compiled model. Three kinds are suspected: metrics with more
than a few numbers of state, metrics of the script's own, and four or more metrics of any kind. A trial without them
measures their cost. The loss stays. Samples of the stack during the first step show how long it takes to trace the
script's own metrics.

## Example
```python
auc = keras.metrics.AUC(num_thresholds=2000)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy", auc])
model.fit(x, y, epochs=50)
```

## Use instead
```python
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=50)
scores = model.predict(x_val, batch_size=1024)  # once, when training is done
auc = keras.metrics.AUC(num_thresholds=2000)
auc.update_state(y_val, scores)
```

## Safety
Exact for the training: weights are compared bit for bit. The logs and the history lack the removed metrics, in
validation too. Nothing is tried if a callback monitors one of these metrics, or if a callback of the script's own acts
on the training, because it may read them.

## Further reading
* [Metrics](https://keras.io/api/metrics/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.heavy_metrics import heavy_metrics
from fitdoctor.facts.locations import locations
from fitdoctor.facts.tracing import metrics_traced_s
from fitdoctor.wording import duration, number

TITLE = "Metrics take a visible part of the step"
REMEDIES = ("fewer-metrics",)

# From so many metrics on, even simple ones are suspected.
MANY = 4
# The likely and the highest cost of a metric in a step on a CPU, measured with `bench/metric_costs.py`. A light metric
# adds up one number a sample. A heavy one has thresholds or classes and costs more for each number of its state, most
# of all without a compiler.
LIGHT_S, HEAVY_S = (0.03e-3, 0.2e-3), (0.3e-3, 5e-3)
NUMBER_S, NUMBER_UNCOMPILED_S = (10e-9, 40e-9), (0.1e-6, 5e-6)
# Metrics never take more than this share of the train function: the step itself takes the rest.
MOST_SHARE = 0.9


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        heavy = heavy_metrics(record)
        if not heavy and len(record.metrics) < MANY:
            continue
        light, steps, most_s = len(record.metrics) - len(heavy), fit.steps("mid"), MOST_SHARE * fit.function_s
        number_s = NUMBER_UNCOMPILED_S if facts.backend == "torch" or facts.is_eager(fit) else NUMBER_S
        mid_s, high_s = (
            min(most_s, light * each_s + sum(max(least_s, metric.state_size * by_number_s) for metric in heavy))
            for each_s, least_s, by_number_s in zip(LIGHT_S, HEAVY_S, number_s, strict=True)
        )
        # Tracing was timed, and samples of the stack show which lines are traced. The cost within a step is an estimate
        # until a trial.
        least_s, likely_s = metrics_traced_s(fit)
        cost = Interval(low=least_s, mid=likely_s + mid_s * steps, high=likely_s + high_s * steps)
        if not facts.worthwhile(cost):
            continue
        suspects = heavy or record.metrics
        names = ", ".join(
            metric.name + (f" ({number(metric.state_size)} numbers)" if metric in heavy else "") for metric in suspects
        )
        site = record.compile_site
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=facts.share_of(least_s) >= WORTHWHILE_SHARE,
            locations=locations(
                location(site, "metrics", [metric.name for metric in record.metrics]) if site else None,
                *(location(metric.source) for metric in heavy if metric.source is not None),
                location(record.site),
            ),
            evidence=(
                Evidence(text=f"Each step computes {names}.", value=len(suspects)),
                Evidence(text=f"A step takes {duration(fit.step_s)}.", value=fit.step_s, unit="s"),
                *_tracing(least_s),
            ),
        )


def _tracing(seconds: float) -> Iterator[Evidence]:
    if seconds > 0:
        yield Evidence(text=f"Tracing them takes {duration(seconds)} of the first step.", value=seconds, unit="s")
