"""The trials that belong to no cause of the report, and the noise that all trials had."""

from __future__ import annotations

from collections.abc import Iterable

from fitdoctor.report.canvas import Canvas
from fitdoctor.report.figures import GLUE, deviation, ratio
from fitdoctor.report.model import Report, Tried
from fitdoctor.trial_units import Unit, label_of


def draw_other_trials(canvas: Canvas, report: Report) -> None:
    """Draws the trials of no listed cause: without gain, or not decided. The noise follows."""
    shown = {(cause.id, remedy.id) for cause in report.causes for remedy in cause.remedies}
    hidden = [arm for arm in report.tried if arm.role == "remedy" and (arm.cause, arm.remedy) not in shown]
    refuted = _best_by_remedy(arm for arm in hidden if arm.verdict == "refuted")
    undecided = {
        arm.remedy: arm for arm in hidden if arm.verdict in ("inconclusive", "failed") and arm.remedy not in refuted
    }
    noise = _noise(report.tried)
    if refuted or undecided or noise:
        canvas.blank()
    if refuted:
        names = ", ".join(_without_gain(arm) for arm in refuted.values())
        canvas.block(f"Tried, no gain: {names}", prefix=("  ✗  ", "red"))
    for name, arm in undecided.items():
        word = "could not be tried" if arm.verdict == "failed" else "tried, not decided" if arm.windows else "not tried"
        canvas.block(f"{name}: {word}{because(arm.why)}", prefix=("  ?  ", "yellow"))
    if noise:
        canvas.block((noise, "dim"), prefix="  ·  ")


def per_unit(figure: str, unit: str) -> str:
    """The figure of one unit: "3.6× per step"."""
    words = "to the same loss" if unit == Unit.RACE else f"per {label_of(unit)}"
    return f"{figure} {words}".replace(" ", GLUE)


def because(why: str) -> str:
    """Continues a statement with its reason: a sentence of its own, or words behind a colon."""
    if not why:
        return ""
    return f": {why}" if why[0].islower() else f". {why}"


def _without_gain(arm: Tried) -> str:
    if arm.unit == Unit.RACE:
        return f"{arm.remedy} (no sooner at the same loss)"
    return f"{arm.remedy} ({ratio(arm.unit_ratio)})" if arm.unit_ratio else arm.remedy


def _best_by_remedy(arms: Iterable[Tried]) -> dict[str, Tried]:
    best: dict[str, Tried] = {}
    for arm in arms:
        if arm.remedy not in best or (arm.unit_ratio or 0) > (best[arm.remedy].unit_ratio or 0):
            best[arm.remedy] = arm
    return best


def _noise(tried: Iterable[Tried]) -> str:
    """Says how far the same code differed from itself in the A/A tests: other differences must be larger."""
    worst: dict[str, float] = {}
    for arm in tried:
        if arm.role == "placebo" and arm.unit_ratio:
            worst[arm.unit] = max(worst.get(arm.unit, 1.0), arm.unit_ratio, 1 / arm.unit_ratio)
    if not worst:
        return ""
    parts = [f"{deviation(value)} per {label_of(unit)}" for unit, value in worst.items()]
    *others, last = parts
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"Noise: the same code timed twice differed by {listed}. Smaller effects are not counted."
