from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.causes.convergence.wasted_epochs import check
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.learning.curves import direction
from fitdoctor.recording.model import CallbackRecord, EpochRow
from tests.support import builders as make


def watched(val_loss: list[float], callbacks: list[CallbackRecord] | None = None, **scores: list[float]) -> Facts:
    """A training of two seconds an epoch."""
    curve = [
        EpochRow(
            number=number,
            steps=100,
            ended_s=2.0 * (number + 1),
            logs={"loss": 1.0, "val_loss": value, **{name: figures[number] for name, figures in scores.items()}},
        )
        for number, value in enumerate(val_loss)
    ]
    epochs = len(val_loss)
    changed: dict[str, Any] = {"seen": 100 * epochs, "epochs": epochs, "epochs_seen": epochs, "cut": False}
    return make.watched_facts(make.fit(curve=curve, callbacks=callbacks or [], **changed))


def valley(best: int, epochs: int = 60) -> list[float]:
    return [1.0 + abs(number - best) / 100 for number in range(epochs)]


def bad() -> Facts:
    return watched(valley(19))


def good() -> Facts:
    return watched(valley(55))


def test_the_best_epoch_and_the_saving_of_a_rule() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert "after epoch 20 of 60" in finding.evidence[0].text
    assert "patience of 10" in finding.evidence[1].text
    assert "epoch 30" in finding.evidence[1].text
    assert finding.cost_s.mid == pytest.approx(finding.cost_s.high * 30 / 40)


def test_the_patience_follows_from_the_curve() -> None:
    (finding,) = check(watched([1.0, *[1.1] * 14, 0.9, *[1.2] * 80]))
    assert finding.data["patience"] == 30


def test_a_score_that_still_improves_is_not_reported() -> None:
    assert list(check(watched(valley(19), val_accuracy=[number / 60 for number in range(60)]))) == []


def test_the_monitored_score_counts() -> None:
    saver = make.callback("ModelCheckpoint", own=False, hooks={}, attributes={"monitor": "val_loss"})
    assert list(check(watched(valley(19), [saver], val_accuracy=[number / 60 for number in range(60)])))


def test_a_score_of_unknown_direction_is_not_reported() -> None:
    assert list(check(watched(valley(19), val_score=valley(19)))) == []


def test_a_training_that_stops_by_its_score_is_not_reported() -> None:
    stopper = make.callback(
        "EarlyStopping", own=False, hooks={}, may_stop=True, attributes={"monitor": "val_loss", "patience": 40}
    )
    assert list(check(watched(valley(19), [stopper]))) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val_loss", "min"),
        ("val_mean_absolute_error", "min"),
        ("val_sparse_categorical_accuracy", "max"),
        ("val_AUC", "max"),
        ("val_x", None),
    ],
)
def test_which_way_is_better(name: str, expected: str | None) -> None:
    assert direction(name) == expected
