from __future__ import annotations

from typing import Any

from fitdoctor.causes.callbacks.histogram_logging import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def board(unit_s: float = 1.0, **attributes: Any) -> Facts:
    record = make.callback(
        "TensorBoard",
        own=False,
        site=make.site(15, "keras.callbacks.TensorBoard(", histogram_freq=16),
        attributes={"histogram_freq": 0, "write_images": False, "embeddings_freq": 0, **attributes},
        hooks={"on_epoch_end": make.took(unit_s, 2), "on_train_batch_end": make.took(1e-5, 61)},
    )
    return make.facts(make.fit(callbacks=[record]))


def bad() -> Facts:
    return board(histogram_freq=1)


def good() -> Facts:
    return board()


def test_it_points_at_the_keyword_and_the_constructor() -> None:
    (finding,) = check(bad())
    assert [(place.line, place.code) for place in finding.locations] == [
        (16, "histogram_freq=1"),
        (15, "keras.callbacks.TensorBoard("),
        (18, "model.fit(x, y)"),
    ]
    assert finding.measured
    assert "TensorBoard(histogram_freq=1) takes 1.0 s" in finding.evidence[0].text


def test_images_and_embeddings_count_too() -> None:
    (finding,) = check(board(write_images=True, embeddings_freq=2))
    assert "write_images=True, embeddings_freq=2" in finding.evidence[0].text


def test_cheap_histograms_are_not_reported() -> None:
    assert list(check(board(unit_s=0.01, histogram_freq=1))) == []
