"""The current learning rate of an optimizer.

The rate of a schedule is computed from its settings, without calling it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.trainer import variable_reader

KERAS = ("keras", "tf_keras")


def current(optimizer: Any) -> float | None:
    """The rate of the next step; None for a schedule of another class than Keras' own."""
    rate = constant(optimizer)
    if rate is not None:
        return rate
    try:
        schedule = schedule_of(optimizer)
        formula = _FORMULAS.get(type(schedule).__name__) if _is_keras(schedule) else None
        step = variable_reader.number(optimizer.iterations) if formula is not None else None
        rate = None if formula is None or step is None else formula(schedule.get_config(), step)
    except Exception:  # a schedule with settings that are tensors, an optimizer of the user's own, or none
        return None
    return rate if rate is not None and math.isfinite(rate) else None


def schedule_of(optimizer: Any) -> Any:
    """The schedule of an optimizer's rate, or None."""
    found = getattr(optimizer, "_learning_rate", None)
    return found if hasattr(found, "get_config") and callable(found) else None


def _is_keras(schedule: Any) -> bool:
    return type(schedule).__module__.partition(".")[0] in KERAS


def _exponential(config: dict[str, Any], step: float) -> float:
    passed = step / config["decay_steps"]
    return float(
        config["initial_learning_rate"]
        * config["decay_rate"] ** (math.floor(passed) if config["staircase"] else passed)
    )


def _inverse_time(config: dict[str, Any], step: float) -> float:
    passed = step / config["decay_steps"]
    return float(
        config["initial_learning_rate"]
        / (1 + config["decay_rate"] * (math.floor(passed) if config["staircase"] else passed))
    )


def _polynomial(config: dict[str, Any], step: float) -> float:
    length, start, end = config["decay_steps"], config["initial_learning_rate"], config["end_learning_rate"]
    if config["cycle"]:
        length *= max(1, math.ceil(step / length))
    else:
        step = min(step, length)
    return float((start - end) * (1 - step / length) ** config["power"] + end)


def _piecewise(config: dict[str, Any], step: float) -> float:
    passed = sum(step > boundary for boundary in config["boundaries"])
    return float(config["values"][passed])


def _cosine(config: dict[str, Any], step: float) -> float:
    start, target, alpha = config["initial_learning_rate"], config.get("warmup_target"), config["alpha"]
    if target is not None:
        warming = config["warmup_steps"]
        if step < warming:
            return float((target - start) * step / warming + start)
        start, step = target, step - warming
    step = min(step, config["decay_steps"])
    return float(start * ((1 - alpha) * _half_cosine(step / config["decay_steps"]) + alpha))


def _cosine_restarts(config: dict[str, Any], step: float) -> float:
    passed, longer, alpha = step / config["first_decay_steps"], config["t_mul"], config["alpha"]
    if longer == 1.0:
        restarts = math.floor(passed)
        passed -= restarts
    else:
        restarts = math.floor(math.log(1 - passed * (1 - longer)) / math.log(longer))
        passed = (passed - (1 - longer**restarts) / (1 - longer)) / longer**restarts
    height = config["m_mul"] ** restarts * _half_cosine(passed)
    return float(config["initial_learning_rate"] * ((1 - alpha) * height + alpha))


def _half_cosine(passed: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * passed))


_FORMULAS: dict[str, Callable[[dict[str, Any], float], float]] = {
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PolynomialDecay": _polynomial,
    "PiecewiseConstantDecay": _piecewise,
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _cosine_restarts,
}


def constant(optimizer: Any) -> float | None:
    """The learning rate if it is a number, or None for a schedule."""
    try:
        # Legacy optimizers of tf_keras create their variables when the first one is read.
        kept = optimizer.learning_rate if getattr(optimizer, "_hypers_created", False) else optimizer._learning_rate
        # On JAX and PyTorch, NumPy 2 warns if a Keras variable is converted. So its value is read.
        rate = variable_reader.number(kept) if hasattr(kept, "_value") else float(kept.numpy())
    except Exception:  # a schedule, an optimizer of the user's own, or none
        return None
    return rate if rate is not None and math.isfinite(rate) else None
