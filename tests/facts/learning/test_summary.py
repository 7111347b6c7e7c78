"""How a fit learns, from what was recorded of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.causes.convergence.low_learning_rate import check as check_rate
from fitdoctor.causes.convergence.unscaled_inputs import check as check_scale
from fitdoctor.causes.convergence.wasted_epochs import check as check_waste
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.learning.summary import MOST_POINTS, first_gradient_ratio, learning_of, moved_share
from fitdoctor.recording.model import (
    ColumnStatistics,
    EpochRow,
    Fit,
    GradientStatistics,
    InputArray,
    LayerStatistics,
    ModelInspection,
    Rehearsal,
    SampledWeights,
    WeightReading,
)
from tests.support import builders as make


def weights(*ways: float, rms: float = 1.0, since: int = 1) -> SampledWeights:
    """Two weights, of which the second one stays where it is."""
    first = WeightReading(call=1, epoch=0, rms=[rms, rms])
    later = [
        WeightReading(call=1, epoch=at, since=since, rms=[rms, rms], moved=[way, 0.0]) for at, way in enumerate(ways, 1)
    ]
    return SampledWeights(
        names=["net/dense/kernel", "net/out/kernel"], sizes=[8, 4], entries=1024, readings=[first, *later]
    )


def inside(*gradients: float | None, **changed: Any) -> ModelInspection:
    looks = [
        GradientStatistics(name=f"net/{at}/kernel", layer=f"net/{at}", size=4, norm=2.0, gradient=each)
        for at, each in enumerate(gradients)
    ]
    return ModelInspection(rows=32, gradients=looks, **changed)


def with_inside(look: ModelInspection, fit: Fit) -> Facts:
    return make.facts(fit, rehearsals=[Rehearsal(target="fit", index=0, inside=look)])


def test_an_epoch_moves_the_weights_by_a_share_of_their_size() -> None:
    assert moved_share(make.fit()) is None
    assert moved_share(make.fit(weights=weights())) is None
    assert moved_share(make.fit(weights=weights(0.2, 0.4, 0.6, rms=2.0))) == pytest.approx((0.2 + 0.0) / 2)
    assert moved_share(make.fit(weights=weights(0.4, since=4))) == pytest.approx((0.1 + 0.0) / 2)


def test_a_layer_combines_a_training_and_a_rehearsal() -> None:
    look = ModelInspection(
        layers=[
            LayerStatistics(name="net/dense", kind="Dense", activation="relu", units=8, mean=0.5, std=1.0, dead=0.25)
        ],
        gradients=[
            GradientStatistics(name="net/dense/kernel", layer="net/dense", size=8, norm=3.0, gradient=0.3),
            GradientStatistics(name="net/dense/bias", layer="net/dense", size=2, norm=4.0, gradient=0.4),
            GradientStatistics(name="net/unused/kernel", layer="net/unused", size=2, norm=1.0, connected=False),
        ],
    )
    facts = with_inside(look, make.fit(weights=weights(0.2)))
    dense, unused, out = learning_of(facts.fits[0], facts.inside(0)).layers
    assert (dense.layer, dense.kind, dense.dead_units, dense.moved_share) == (
        "net/dense",
        "Dense",
        0.25,
        pytest.approx(0.2),
    )
    assert (dense.weight_norm, dense.gradient_norm) == (pytest.approx(5.0), pytest.approx(0.5))
    assert (unused.layer, unused.weight_norm, unused.gradient_norm) == ("net/unused", 1.0, None)
    assert (out.layer, out.moved_share, out.gradient_norm) == ("net/out", 0.0, None)


def test_a_curve_is_thinned_and_ends_where_the_training_ended() -> None:
    curve = [EpochRow(number=at, ended_s=float(at), learning_rate=0.1, logs={"loss": 1.0}) for at in range(500)]
    points = learning_of(make.facts(make.fit(curve=curve)).fits[0], None).curve
    assert len(points) == MOST_POINTS
    assert (points[0].epoch, points[-1].epoch, points[-1].learning_rate) == (0, 499, 0.1)


def test_statistics_of_the_data_win_over_those_of_a_batch() -> None:
    own = InputArray(
        name="x",
        container="numpy.ndarray",
        dtype="float32",
        spread=ColumnStatistics(rows=4096, features=2, mean=[0.0, 4.0], std=[1.0, 1.0]),
    )
    fed = [
        InputArray(name=name, container="batch", spread=ColumnStatistics(rows=32, features=1, mean=[1.0], std=[0.0]))
        for name in ("x", "y")
    ]
    x, y = learning_of(make.facts(make.fit(inputs=[own])).fits[0], ModelInspection(inputs=fed)).data
    assert (x.name, x.rows, x.mean, x.std, x.most_std) == ("x", 4096, 2.0, pytest.approx(5**0.5), 1.0)
    assert (y.name, y.rows) == ("y", 32)


def test_the_reason_for_a_missing_inspection_is_reported() -> None:
    facts = with_inside(ModelInspection(missing="The inside of the model was not seen: no time."), make.fit())
    assert learning_of(facts.fits[0], facts.inside(0)).missing == ("The inside of the model was not seen: no time.",)


@pytest.mark.parametrize(
    ("gradients", "expected"),
    [((50.0, 1.0, 2.0, None), 50 / 1.5), ((1.0,), None), ((None, 1.0, 2.0), None), ((1.0, 0.0), None)],
)
def test_the_first_gradient_is_compared_with_the_others(
    gradients: tuple[float | None, ...], expected: float | None
) -> None:
    assert first_gradient_ratio(inside(*gradients)) == (None if expected is None else pytest.approx(expected))


SIZES = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(0, allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.tuples(SIZES, POSITIVE), max_size=4),
    st.lists(POSITIVE | st.none(), max_size=4),
    st.lists(POSITIVE, max_size=3),
)
def test_every_figure_is_finite_whatever_was_recorded(
    columns: list[tuple[float, float]], gradients: list[float | None], ways: list[float]
) -> None:
    mean, std = [mean for mean, _ in columns], [std for _, std in columns]
    spread = ColumnStatistics(rows=32, features=len(columns), mean=mean, std=std, low=mean, high=mean)
    facts = with_inside(
        inside(*gradients),
        make.fit(inputs=[InputArray(name="x", container="list", spread=spread)], weights=weights(*ways, rms=1e-300)),
    )
    found = learning_of(facts.fits[0], facts.inside(0))
    assert json.loads(json.dumps(msgspec.to_builtins(found), allow_nan=False))


def test_evidence_of_a_low_rate_is_the_movement_of_weights() -> None:
    def texts(*ways: float) -> list[str]:
        (finding,) = check_rate(
            make.facts(make.fit(step_s=0.01, epochs=50, optimizer="Adam", learning_rate=1e-5, weights=weights(*ways)))
        )
        return [evidence.text for evidence in finding.evidence]

    assert texts(0.002)[1:] == ["An epoch moves the weights by 0.001 of their own size."]
    assert len(texts(0.5)) == 1


def test_unscaled_inputs_are_shown_by_the_gradient_of_the_first_layer() -> None:
    def texts(first: float) -> list[str]:
        spread = ColumnStatistics(rows=4096, features=1, mean=[0.0], std=[5e4], low=[-1e5], high=[1e5])
        part = InputArray(name="x", container="numpy.ndarray", spread=spread, layers=["Dense"])
        (finding,) = check_scale(with_inside(inside(first, 1.0, 1.0), make.fit(step_s=0.01, epochs=50, inputs=[part])))
        return [evidence.text for evidence in finding.evidence]

    assert "is 3,000× that of" in texts(3000.0)[1]
    assert len(texts(2.0)) == 1


def test_targets_are_no_inputs_that_could_be_scaled() -> None:
    spread = ColumnStatistics(rows=4096, features=1, mean=[0.0], std=[5e4], low=[-1e5], high=[1e5])
    fit = make.fit(step_s=0.01, epochs=50, inputs=[InputArray(name="y", container="numpy.ndarray", spread=spread)])
    assert list(check_scale(make.facts(fit))) == []


def test_wasted_epochs_are_shown_to_overfit_where_the_training_score_goes_on() -> None:
    def texts(losses: list[float]) -> list[str]:
        curve = [
            EpochRow(
                number=at, steps=100, ended_s=2.0 * (at + 1), logs={"loss": loss, "val_loss": 1.0 + abs(at - 19) / 100}
            )
            for at, loss in enumerate(losses)
        ]
        (finding,) = check_waste(
            make.watched_facts(make.fit(curve=curve, seen=6000, epochs=60, epochs_seen=60, cut=False))
        )
        return [evidence.text for evidence in finding.evidence]

    assert "Meanwhile loss on the training data went from 0.4 to 0.2: the model overfits." in texts(
        [0.4] * 40 + [0.2] * 20
    )
    assert len(texts([0.4] * 60)) == 2
