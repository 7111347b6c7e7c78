"""Each update is so small that the training needs far too many steps.

## What it is
The learning rate is a small part of the optimizer's default, and no schedule or callback raises it.

## Why it is slow
A step takes as long as with any other rate, but the number of steps grows. At a hundredth of a suitable rate, the loss
falls about a hundred times as slowly.

## How it is detected
A rate is suspected if it is ten or more times below the optimizer's default and the loss still falls. The training is
then raced at the default rate and at a rate half of the way to it. All racers start with the same weights and race to
the level that the unchanged training reaches. The cause counts as measured only if a race is won.

If weights were sampled, the report adds how far an epoch moves them. If larger batches win their races with a higher
rate, that rate alone is raced as well. If it does as much, the rate is the cause, not the batch. A pretrained model
often needs a low rate: it is raced from its own weights, and the low rate stays if it wins.

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
Another training: the weights change in other ways. The race compares both on the same validation data. In a very long
training, a higher rate may end at a slightly worse level: lower it towards the end.

## Further reading
* [Goodfellow, Bengio and Courville, Deep Learning, 11.4.1](https://www.deeplearningbook.org/contents/guidelines.html)
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

# Weights that move less than this part of their size in an epoch get a sentence of evidence. It decides nothing.
CREEPING = 0.02


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record, won = fit.record, facts.measured.rate_alone.get(fit.index)
        low = rate_is_low(fit)
        most_s = facts.projection.under(f"{fit.id}/step")
        # Only a race shows how many steps a higher rate saves: from none to nearly all.
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
