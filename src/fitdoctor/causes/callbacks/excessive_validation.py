"""Validation takes a large part of the training.

## What it is
After each epoch the model is evaluated on validation data that is large compared with the training data, or in small
batches.

## Why it is slow
A validation batch costs a launch, as a training batch does. Validation needs no small batches, because nothing is
learned from them. And a score after every epoch is often more than anyone reads.

## How it is detected
The batches of each validation pass are timed, and so is the time around them. All passes together are reported from 20
% of the whole training on, or from 5 % on if a batch has fewer than 128 rows. For arrays, trials run a pass with larger
batches. Data that brings its own batches can't be tried. Validating less often is suggested from 20 % on. It needs no
trial: its saving follows from the number of passes.

## Example
```python
model.fit(x, y, validation_data=(x_val, y_val), batch_size=16, epochs=200)
```

## Use instead
```python
model.fit(x, y, validation_data=(x_val, y_val), batch_size=16, validation_batch_size=512, epochs=200)
model.fit(x, y, validation_data=(x_val, y_val), batch_size=16, validation_freq=5, epochs=200)
```

## Safety
Larger batches round the score differently. Its last digits may change, and so may the decisions of a callback that
monitors it. If a callback may act on the validation score, rarer validation is suggested but not tried: the callback
would stop, save or change the learning rate at another epoch. The training itself stays the same.

## Further reading
* [validation_freq and validation_batch_size in Model.fit](https://keras.io/api/models/model_training_apis/#fit-method)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.locations import locations
from fitdoctor.facts.units import times
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.wording import duration, number, percent

TITLE = "Validation takes a large part of the training"
REMEDIES = ("larger-validation-batch", "rarer-validation")

# The usual split is a fifth of the data, and validating a row costs a third of training on it. A fifth of the time is
# too much.
EXCESSIVE_SHARE = 0.20
# Below this a batch costs mostly its launch, so a larger batch makes validation faster.
SMALL_BATCH = 128


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        passes = fit.validation_passes("mid")
        cost = times(fit.validation_pass, passes)
        share = facts.share_of(cost.mid)
        known = record.validation_batch_size or record.batch_size
        batch = known or DEFAULT_BATCH_SIZE
        if share < WORTHWHILE_SHARE or (share < EXCESSIVE_SHARE and batch >= SMALL_BATCH):
            continue
        batches = f"{number(fit.validation_steps)} batches" + (f" of {known}" if known else "")
        each = f"A validation pass takes {duration(fit.validation_pass.mid)} ({batches})."
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=True,
            locations=locations(
                location(record.site, "validation_batch_size", batch)
                if "validation_batch_size" in record.site.arguments
                else None,
                location(record.site),
            ),
            evidence=(
                Evidence(text=each, value=fit.validation_pass.mid, unit="s"),
                Evidence(text=f"{number(passes)} passes are {percent(share)} of the whole training.", value=share),
            ),
            data={"excessive": share >= EXCESSIVE_SHARE, "batch": batch},
        )
