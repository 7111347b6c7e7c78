"""Each update is so small that the training creeps.

## What it is
The learning rate is a small part of what the optimizer takes by default, and no schedule or callback raises it.

## Why it is slow
A step takes as long as with any other rate; it is the number of steps that grows. At a hundredth of the rate that would
do, the loss comes down about a hundred times as slowly.

## How it is told
A rate ten times or more below the optimizer's default is a suspicion, as long as the loss still falls in what was seen.
The training is then raced at the default rate and half of the way to it, from the same weights, to the level that it
reaches as it stands. Only a race that is won makes this a measured cause. How far an epoch moves the weights, where
that was seen, is told beside it. Where larger batches won their races with a higher rate, that rate alone is raced as
well: if it does as much, the rate is the cause and the batch is not. A model that was trained before often needs a low
rate: it is raced from its own weights, and the low rate stands if it wins.

## Example
```python
model.compile(keras.optimizers.Adam(learning_rate=1e-5), "mse")
model.fit(x, y, epochs=80)
```

## Use instead
```python
model.compile(keras.optimizers.Adam(learning_rate=1e-3), "mse")
model.fit(x, y, epochs=10)
```

## Safety
Another training: the weights take other ways. The race compares what both come to on the same validation data. A higher
rate may end at a somewhat worse level in a very long training: let it fall towards the end.

## Further reading
* [Goodfellow, Bengio and Courville, Deep Learning, section
  11.4.1](https://www.deeplearningbook.org/contents/guidelines.html)
* [Cyclical learning rates: the range test](https://arxiv.org/abs/1506.01186)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.learning.learning_rates import default_rate, higher_rates, rate_is_low
from fitdoctor.facts.learning.summary import moved_share
from fitdoctor.facts.locations import locations

TITLE = "The learning rate is far too low"
REMEDIES = ("raise-learning-rate",)

#: Of their own size, in an epoch: less is worth a line beside a rate that is low anyway. It decides nothing.
CREEPING = 0.02


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record, won = fit.record, facts.measured.rate_alone.get(fit.index)
        low = rate_is_low(fit)
        most_s = facts.projection.under(f"{fit.id}/step")
        # What a higher rate saves only a race can tell: of the steps anything from none to nearly all.
        cost = Interval(low=0.0, mid=most_s / 2, high=most_s)
        if not (low or won) or record.learning_rate is None or not facts.worthwhile(cost):
            continue
        rates = higher_rates(record) if low else []
        rates += [won] if won and won not in rates else []
        compiled = location(record.compile_site, "learning_rate", f"{rates[-1]:g}") if record.compile_site else None
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(compiled, location(record.site)),
            evidence=(_evidence(record.optimizer, record.learning_rate, default_rate(record)), *_creeping(fit)),
            data={"rates": rates},
        )


def _evidence(optimizer: str, rate: float, default: float) -> Evidence:
    below = f", {default / rate:,.0f} times below its default of {default:g}" if default >= 2 * rate else ""
    return Evidence(text=f"{optimizer} learns at a rate of {rate:.3g}{below}.", value=rate)


def _creeping(fit: FitFacts) -> Iterator[Evidence]:
    moved = moved_share(fit.seen or fit.record)
    if moved is not None and moved < CREEPING:
        yield Evidence(text=f"An epoch moves the weights by {moved:.2g} of their own size.", value=moved)
