"""Training went on long after its best validation score.

## What it is
The score on the validation data was at its best long before the training ended, and never came back to it.

## Why it is slow
The epochs after the best one take as long as those before it, and what they learn helps on the training data only. The
model that is kept in the end is often the worse one.

## How it is told
Only the whole training shows it: `fitdoctor watch` keeps what each epoch reached. Looked at are the scores that a
callback monitors, else all whose direction is known (losses, errors, accuracies and the like), and of several the one
that was at its best last. `EarlyStopping` is then played on the recorded curve, with twice the patience that the curve
itself needed up to its best, and at least ten epochs. The epochs that it leaves out are what it costs. A fit that stops
by a validation score already is left alone.

## Example
```python
model.fit(x, y, validation_data=(x_val, y_val), epochs=200)  # val_loss was lowest after 40
```

## Use instead
```python
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True)
model.fit(x, y, validation_data=(x_val, y_val), epochs=200, callbacks=[stop])
```

## Safety
Another training: it ends earlier. With `restore_best_weights` the model is the one of the best epoch, on the score that
is monitored. Nothing needs to be tried, as each epoch was timed; but another seed may take longer to its best. A
learning rate that falls by a schedule over the epochs can bring a late gain: then change both.

## Further reading
* [EarlyStopping](https://keras.io/api/callbacks/early_stopping/)
* [Prechelt, Early Stopping - But When?](https://doi.org/10.1007/978-3-642-35289-8_5)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.learning.curves import Stop, stop_early, stops_by_validation
from fitdoctor.facts.locations import locations
from fitdoctor.wording import number, percent

TITLE = "Training went on long after its best validation score"
REMEDIES = ()


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        if fit.seen is None or fit.seen.calls_run != 1 or stops_by_validation(fit.seen):
            continue
        stop = stop_early(fit.seen)
        if stop is not None and facts.worthwhile(_cost(facts, fit, stop)):
            yield _finding(facts, fit, stop)


def _cost(facts: Facts, fit: FitFacts, stop: Stop) -> Interval:
    """The share of the fit's time that came after the stop; at most what came after the best epoch."""
    fit_s = facts.projection.under(f"{fit.id}/")
    return Interval(low=fit_s * stop.saved_share, mid=fit_s * stop.saved_share, high=fit_s * stop.after_best_share)


def _finding(facts: Facts, fit: FitFacts, stop: Stop) -> Finding:
    cost = _cost(facts, fit, stop)
    site = fit.record.site
    return Finding(
        fit=fit.index,
        cost_s=cost,
        measured=True,
        locations=locations(
            location(site, "epochs", fit.record.epochs) if "epochs" in site.arguments else None, location(site)
        ),
        evidence=(
            Evidence(
                text=f"{stop.monitor} was at its best, {stop.best:.4g}, after epoch {number(stop.best_epoch)} of "
                f"{number(stop.epochs)}; in the end it was {stop.last:.4g}.",
                value=stop.best_epoch,
            ),
            *_overfitting(stop),
            Evidence(
                text=f"EarlyStopping with a patience of {stop.patience} would have ended it after epoch {number(stop.stopped_after)}: "
                f"{percent(facts.share_of(cost.mid))} of the whole training came later.",
                value=facts.share_of(cost.mid),
            ),
        ),
        data={"monitor": stop.monitor, "mode": stop.mode, "patience": stop.patience, "cost_s": cost.mid},
    )


def _overfitting(stop: Stop) -> Iterator[Evidence]:
    if stop.trained is not None:
        before, after = stop.trained
        name = stop.monitor.removeprefix("val_")
        yield Evidence(
            text=f"Meanwhile {name} on the training data went from {before:.4g} to {after:.4g}: it overfits.",
            value=after,
        )
