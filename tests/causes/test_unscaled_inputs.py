from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fitdoctor.causes.convergence.unscaled_inputs import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import ColumnStatistics, InputArray
from fitdoctor.remedies.registry import offers
from tests.support import builders as make


def fed(*parts: InputArray, **changed: Any) -> Facts:
    return make.facts(
        make.fit(step_s=0.01, epochs=50, inputs=list(parts), input_made=make.site(9, "x = load()"), **changed)
    )


def part(
    *columns: tuple[float, float],
    name: str = "x",
    layers: tuple[str, ...] = ("Dense",),
    whole: bool = False,
    shape: tuple[int | None, ...] = (),
    rows: int = 4096,
) -> InputArray:
    """An input whose features run evenly between two figures each."""
    mean = [(low + high) / 2 for low, high in columns]
    std = [(high - low) / 12**0.5 for low, high in columns]
    low, high = [low for low, _ in columns], [high for _, high in columns]
    spread = ColumnStatistics(rows=rows, features=len(columns), mean=mean, std=std, low=low, high=high, whole=whole)
    return InputArray(
        name=name,
        container="numpy.ndarray",
        shape=list(shape or (None, len(columns))),
        spread=spread,
        layers=list(layers),
    )


RAW = ((18, 80), (0, 1e5), (0.01, 0.25))


def bad() -> Facts:
    return fed(part(*RAW))


def good() -> Facts:
    return fed(part((0, 1), (-3, 3), (-1, 1)))


def test_it_points_at_where_the_input_is_made_and_at_the_fit() -> None:
    (finding,) = check(bad())
    assert [place.line for place in finding.locations] == [9, 18]
    assert (
        finding.evidence[0].text
        == "The spreads of x's features differ by 416,667×, and nothing scales them before Dense."
    )
    assert finding.cost_s.low == 0
    assert not finding.measured


def test_features_of_one_size_share_a_scale() -> None:
    (finding,) = check(fed(part((0, 1000), (0, 900))))
    assert "a typical size of 577" in finding.evidence[0].text
    assert finding.data == {"parts": ["x"], "together": True}


def test_pixels_share_a_scale_even_where_some_are_always_black() -> None:
    flat = part(*[(0, 255)] * 60, *[(0, 0)] * 20, (0, 2), whole=True)
    picture = part((0, 255), (0, 255), (0, 255), shape=(None, 28, 28, 3), layers=("Conv2D",))
    for pixels in (flat, picture):
        (finding,) = check(fed(pixels))
        assert finding.data["together"]


@pytest.mark.parametrize(
    "layers",
    [
        ("Rescaling",),
        ("Normalization",),
        ("BatchNormalization",),
        ("TrueDivide",),
        ("Lambda",),
        ("Dense", "LayerNormalization"),
    ],
)
def test_inputs_of_a_scaling_layer_are_not_reported(layers: tuple[str, ...]) -> None:
    assert list(check(fed(part(*RAW, layers=layers)))) == []


def test_numbers_that_are_names_are_not_reported() -> None:
    ids = part((0, 20_000), whole=True, layers=("Embedding",))
    assert list(check(fed(ids))) == []
    (finding,) = check(fed(ids, part(*RAW, name="x['price']")))
    assert finding.data["parts"] == ["x['price']"]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param([(0, 1)] * 40, id="one-hot"),
        pytest.param([(0, 1), (-4, 4), (0, 5)], id="about one"),
        pytest.param([(0, 0), (-1, 1)], id="a constant"),
        pytest.param([(0, 0.02)] * 400, id="many small ones"),
    ],
)
def test_healthy_scales_are_not_reported(columns: list[tuple[float, float]]) -> None:
    assert list(check(fed(part(*columns)))) == []


def test_very_small_numbers_are_reported() -> None:
    (finding,) = check(fed(part((0, 0.0002), (0, 0.0003))))
    assert "a typical size of" in finding.evidence[0].text


def test_few_rows_are_not_reported() -> None:
    assert list(check(fed(part(*RAW, rows=3)))) == []


def test_a_short_training_is_not_worth_a_race() -> None:
    assert list(check(make.facts(make.fit(step_s=1e-4, epochs=1, inputs=[part(*RAW)])))) == []


def test_its_remedy_names_the_parts() -> None:
    (finding,) = check(bad())
    (offer,) = offers(replace(finding, cause="unscaled-inputs", remedies=("standardised-inputs",)), bad())[0]
    (change,) = offer.changes
    assert (change["kind"], change["parts"], change["together"]) == ("scale-input", ["x"], False)
    assert offer.unit == "race"
    assert "Normalization()" in offer.proposal.how
