"""The model is fed numbers far from unit scale.

## What it is
Features that reach `fit` as they were collected: prices in the thousands beside rates below one, pixels from 0 to 255.
Nothing in front of the model's first layer brings them to about the same size.

## Why it is slow
A step takes as long as with scaled features; it is the number of steps that grows. Large features swamp the gradients
of small ones, the first layer saturates or overshoots, and many epochs pass before what matters is seen, if it ever is.

## How it is told
A sample of the rows that the fit gets shows the mean and the deviation of each feature, and the model which layer meets
it first. What that costs no step can tell: the training is raced, with and without scaling, from the same weights, to
the validation loss that it reaches as it stands. Only a race that is won makes this a measured cause. Inputs that are
scaled already, meet a `Normalization`, `Rescaling` or `BatchNormalization` layer first, or are whole numbers for an
`Embedding`, are none. Where a rehearsal took a batch through the model, the gradient by its first weights is told
beside it.

## Example
```python
x = np.column_stack([income, rate])  # up to 100,000, and up to 0.2
model.fit(x, y, epochs=60)
```

## Use instead
```python
scale = keras.layers.Normalization()
scale.adapt(x)
model = keras.Sequential([keras.Input((2,)), scale, *layers])
model.fit(x, y, epochs=60)
```

## Safety
Another training: the weights take other ways. The race compares what both come to on the same validation data. Inside
the model, the layer goes along when it is saved; where the data is scaled outside, whatever the model is later asked
must be scaled with the same figures.

## Further reading
* [The Normalization layer](https://keras.io/api/layers/preprocessing_layers/numerical/normalization/)
* [Efficient BackProp, section 4.3: normalizing the inputs](http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.learning.input_scales import LARGE, UNEQUAL, UnscaledPart, unscaled_parts
from fitdoctor.facts.learning.summary import first_gradient_ratio
from fitdoctor.facts.locations import locations
from fitdoctor.recording.model import ModelInspection

TITLE = "The inputs are far from unit scale"
REMEDIES = ("standardised-inputs",)

#: Evidence names this many parts of the input; a table of a hundred columns would bury the rest.
SHOWN_PARTS = 3
#: Times as steep: less is usual between the layers of a model that is fed well.
STEEP = 10.0


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        parts = list(unscaled_parts(fit))
        most_s = facts.projection.under(f"{fit.id}/step")
        # What scaling saves only a race can tell: of the steps anything from none to nearly all.
        cost = Interval(low=0.0, mid=most_s / 2, high=most_s)
        if not parts or not facts.worthwhile(cost):
            continue
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(
                location(record.input_made) if record.input_made else None, location(record.site, "x", "…")
            ),
            evidence=(
                *(_evidence(unscaled) for unscaled in parts[:SHOWN_PARTS]),
                *_conditioning(facts.inside(fit.index)),
            ),
            data={
                "parts": [unscaled.part.name for unscaled in parts],
                "together": all(unscaled.together for unscaled in parts),
            },
        )


def _evidence(unscaled: UnscaledPart) -> Evidence:
    part, (least, most) = unscaled.part, unscaled.sizes
    layers = f" before {' and '.join(part.layers)}" if 0 < len(part.layers) <= 2 else ""
    if unscaled.unequal > UNEQUAL:
        text = f"The features of {part.name} vary by {_figure(unscaled.unequal)}× different amounts, and nothing scales them{layers}."
        return Evidence(text=text, value=unscaled.unequal, unit="×")
    size = f"{_figure(most)}" if most < LARGE or least > most / 2 else f"{_figure(least)} to {_figure(most)}"
    return Evidence(
        text=f"Numbers in {part.name} have a typical size of {size}, and nothing scales them{layers}.", value=most
    )


def _conditioning(inside: ModelInspection | None) -> Iterator[Evidence]:
    ratio = first_gradient_ratio(inside) if inside is not None else None
    if ratio is not None and ratio >= STEEP:
        yield Evidence(
            text=f"On one batch, the gradient by the weights of the first layer is {_figure(ratio)}× as large for their size as that by "
            "those of the others.",
            value=ratio,
            unit="×",
        )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
