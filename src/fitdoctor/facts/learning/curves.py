"""Learning curves: their best epoch, and the epoch at which a stopping rule would have ended them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from fitdoctor.recording.model import EpochRow, Fit

Mode = Literal["min", "max"]

# The least patience of a suggested stopping rule: most examples of `EarlyStopping` use it, and it is enough for a noisy
# score.
LEAST_PATIENCE = 10
# The patience is this many times the longest wait before the best epoch. Another run may wait longer.
PATIENCE_FACTOR = 2

_LOWER_IS_BETTER = re.compile(
    r"loss|error|mse|mae|mape|msle|rmse|perplexity|divergence|distance|crossentropy|hinge|poisson"
)
_HIGHER_IS_BETTER = re.compile(
    r"acc|auc|precision|recall|f1|fbeta|iou|dice|top_?k|r2|bleu|rouge|cosine_similarity|sensitivity|specificity"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The simulated effect of `EarlyStopping`. Shares are shares of the fit's time."""

    # The monitored score.
    monitor: str
    # Whether a lower or a higher score is better.
    mode: Mode
    # The patience of the rule.
    patience: int
    # The best score.
    best: float
    # The epoch of the best score.
    best_epoch: int
    # The last score.
    last: float
    # The epoch after which the rule stops.
    stopped_after: int
    # All epochs of the fit.
    epochs: int
    # The share after the stop.
    saved_share: float
    # The share after the best epoch.
    after_best_share: float
    # The score on the training data at the best epoch and at the end, if it kept improving.
    trained: tuple[float, float] | None = None


def stop_early(fit: Fit) -> Stop | None:
    """The stop on the score whose best epoch came last. None without a score, or if nothing is saved."""
    stops = [_stop(fit.curve, name, mode) for name, mode in _monitored(fit).items()]
    found = [stop for stop in stops if stop is not None]
    if not found or len(found) < len(stops):
        return None
    return max(found, key=lambda stop: stop.best_epoch)


def stops_by_validation(fit: Fit) -> bool:
    """Whether a callback may already end the fit by a validation score. Its patience is the user's choice."""
    return any(
        callback.may_stop and (callback.own or str(callback.attributes.get("monitor", "")).startswith("val_"))
        for callback in fit.callbacks
    )


def direction(name: str) -> Mode | None:
    """Whether a lower or a higher score is better, by its name. None if the name does not show it.

    Example:
        >>> direction("val_loss"), direction("val_accuracy"), direction("val_score")
        ('min', 'max', None)
    """
    lower, higher = bool(_LOWER_IS_BETTER.search(name.lower())), bool(_HIGHER_IS_BETTER.search(name.lower()))
    if lower == higher:
        return None
    return "min" if lower else "max"


def _monitored(fit: Fit) -> dict[str, Mode]:
    """The validation scores that count: those that a callback monitors, else all of them.

    Empty if the direction of one of them is unknown.
    """
    names = {name for row in fit.curve for name in row.logs if name.startswith("val_")}
    chosen = {str(callback.attributes.get("monitor", "")) for callback in fit.callbacks} & names or names
    known = {name: direction(name) for name in sorted(chosen)}
    return {name: mode for name, mode in known.items() if mode is not None} if all(known.values()) else {}


def _stop(curve: list[EpochRow], name: str, mode: Mode) -> Stop | None:
    rows = [row for row in curve if name in row.logs]
    if not rows:
        return None
    sign = 1 if mode == "min" else -1
    best, wait = rows[0], 0
    for row in rows:
        if sign * row.logs[name] < sign * best.logs[name]:
            wait = max(wait, row.number - best.number)
            best = row
    patience = max(LEAST_PATIENCE, PATIENCE_FACTOR * wait)
    stopped = next((row for row in rows if row.number >= best.number + patience), None)
    last, first = curve[-1], curve[0]
    took_s = last.ended_s
    if stopped is None or took_s <= 0:
        return None
    return Stop(
        monitor=name,
        mode=mode,
        patience=patience,
        best=best.logs[name],
        best_epoch=best.number - first.number + 1,
        last=rows[-1].logs[name],
        stopped_after=stopped.number - first.number + 1,
        epochs=last.number - first.number + 1,
        saved_share=(last.ended_s - stopped.ended_s) / took_s,
        after_best_share=(last.ended_s - best.ended_s) / took_s,
        trained=_trained(best, rows[-1], name.removeprefix("val_"), sign),
    )


def _trained(best: EpochRow, last: EpochRow, name: str, sign: int) -> tuple[float, float] | None:
    before, after = best.logs.get(name), last.logs.get(name)
    if before is None or after is None or sign * after >= sign * before:
        return None
    return before, after
