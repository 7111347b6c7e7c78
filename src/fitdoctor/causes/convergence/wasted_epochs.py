"""Training continued long after its best validation score.

## What it is
The best score on the validation data came long before the end of the training, and was never reached again.

## Why it is slow
The epochs after the best one take as long as those before it. They help on the training data only, and often leave a
worse model.

## How it is detected
Only a whole training shows it: `fitdoctor watch` records the scores of each epoch. If a callback monitors a score, that
score counts. Otherwise all scores with a known direction count (losses, errors, accuracies and the like), and the one
that was best last decides. `EarlyStopping` is then simulated on the recorded curve. Its patience is twice the longest
wait before the best epoch, and at least ten epochs. The cost is the time of the epochs that it leaves out. A fit that
already stops by a validation score is ignored.

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
Another training: it ends earlier. With `restore_best_weights`, the model of the best epoch is kept. No trial is needed,
because each epoch was timed. With another seed, the best epoch may come later. A scheduled learning rate can bring a
late gain: then change both.

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

TITLE = "Training continued long after its best validation score"
REMEDIES = ()


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        if fit.seen is None or fit.seen.calls_run != 1 or stops_by_validation(fit.seen):
            continue
        stop = stop_early(fit.seen)
        if stop is not None and facts.worthwhile(_cost(facts, fit, stop)):
            yield _finding(facts, fit, stop)


def _cost(facts: Facts, fit: FitFacts, stop: Stop) -> Interval:
    """The share of the fit's time after the stop; at most the share after the best epoch."""
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
                text=f"{stop.monitor} was best, {stop.best:.4g}, after epoch {number(stop.best_epoch)} of "
                f"{number(stop.epochs)}. In the end it was {stop.last:.4g}.",
                value=stop.best_epoch,
            ),
            *_overfitting(stop),
            Evidence(
                text=f"EarlyStopping with a patience of {stop.patience} would have stopped after epoch "
                f"{number(stop.stopped_after)}: {percent(facts.share_of(cost.mid))} of the whole training came later.",
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
            text=f"Meanwhile {name} on the training data went from {before:.4g} to {after:.4g}: the model overfits.",
            value=after,
        )
