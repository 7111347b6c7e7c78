"""Training waits while `TensorBoard` writes histograms, images or embeddings.

## What it is
The `TensorBoard` callback has `histogram_freq`, `write_images` or `embeddings_freq`.

## Why it is slow
At the end of an epoch every weight of the model is copied, sorted into buckets or turned into a picture, and written.
This happens on the training thread. It costs the same for a short epoch as for a long one, and grows with the model.

## How it is detected
The arguments are read from the callback, and its hooks are timed. They are reported from 5 % of the whole training on.
A trial runs the ends of epochs with the three arguments turned off.

## Example
```python
model.fit(x, y, epochs=100, callbacks=[keras.callbacks.TensorBoard("logs", histogram_freq=1)])
```

## Use instead
```python
model.fit(x, y, epochs=100, callbacks=[keras.callbacks.TensorBoard("logs")])                      # scalars only
model.fit(x, y, epochs=100, callbacks=[keras.callbacks.TensorBoard("logs", histogram_freq=25)])   # or now and then
```

## Safety
Exact: the logs change, the training does not.

## Further reading
* [keras.callbacks.TensorBoard](https://keras.io/api/callbacks/tensorboard/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.callbacks import callback_cost, heavy_logging
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.recording.model import Duration
from fitdoctor.wording import duration, percent

TITLE = "TensorBoard writes histograms while training waits"
REMEDIES = ("no-histograms",)


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        for position, callback in enumerate(fit.record.callbacks):
            heavy = heavy_logging(callback)
            cost = callback_cost(fit, position)
            if not heavy or not facts.worthwhile(cost):
                continue
            each_s = fit.unit(callback.hooks.get("on_epoch_end", Duration())).mid
            settings = ", ".join(f"{name}={callback.attributes[name]!r}" for name in heavy)
            share = facts.share_of(cost.mid)
            site = callback.site
            written = (
                [location(site, name, callback.attributes[name]) for name in heavy if name in site.arguments]
                if site
                else []
            )
            yield Finding(
                fit=fit.index,
                cost_s=cost,
                measured=True,
                locations=locations(*written, location(site) if site else None, location(fit.record.site)),
                evidence=(
                    Evidence(
                        text=f"{callback.name}({settings}) takes {duration(each_s)} at the end of each epoch.",
                        value=each_s,
                        unit="s",
                    ),
                    Evidence(text=f"That is {percent(share)} of the whole training.", value=share),
                ),
                data={"callback": position},
            )
