"""The model gets numbers far from unit scale.

## What it is
Features reach `fit` as they were collected: prices in the thousands next to rates below one, pixels from 0 to 255. No
layer in front of the model brings them to about the same size.

## Why it is slow
A step takes as long as with scaled features, but the number of steps grows. Large features drown the gradients of small
ones, and the first layer saturates or overshoots. The model learns small features late, or never.

## How it is detected
A sample of the rows gives the mean and the deviation of each feature. The model tells which layer gets it first. The
time of a step does not show the cost. So the training is raced with and without scaling, from the same weights, to the
validation loss that the unchanged training reaches. The cause counts as measured only if a race is won.

Inputs do not count if they are scaled already, if a `Normalization`, `Rescaling` or `BatchNormalization` layer gets
them first, or if they are whole numbers for an `Embedding`. If a rehearsal inspected the model with one batch, the
report adds the gradient of its first weights.

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
Another training: the weights change in other ways. The race compares both on the same validation data. A layer inside
the model is saved with it. If the data is scaled outside of the model, later inputs must be scaled with the same
figures.

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

# Evidence names this many parts of the input. A table of a hundred columns would hide everything else.
SHOWN_PARTS = 3
# Smaller ratios are usual between the layers of a model with scaled inputs.
STEEP = 10.0


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        parts = list(unscaled_parts(fit))
        most_s = facts.projection.under(f"{fit.id}/step")
        # Only a race shows how many steps scaling saves: from none to nearly all.
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
        text = (
            f"The spreads of {part.name}'s features differ by {_figure(unscaled.unequal)}×, and nothing scales "
            f"them{layers}."
        )
        return Evidence(text=text, value=unscaled.unequal, unit="×")
    size = f"{_figure(most)}" if most < LARGE or least > most / 2 else f"{_figure(least)} to {_figure(most)}"
    return Evidence(
        text=f"Numbers in {part.name} have a typical size of {size}, and nothing scales them{layers}.", value=most
    )


def _conditioning(inside: ModelInspection | None) -> Iterator[Evidence]:
    ratio = first_gradient_ratio(inside) if inside is not None else None
    if ratio is not None and ratio >= STEEP:
        yield Evidence(
            text=f"On one batch, the gradient of the first layer, relative to its weights, is {_figure(ratio)}× that "
            "of "
            "the other layers.",
            value=ratio,
            unit="×",
        )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
