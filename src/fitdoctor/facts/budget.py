"""The budget: the projected time as parts that sum to it by construction."""

from __future__ import annotations

from collections import defaultdict

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.report.model import Budget, Part

# The parts in the order of a run, with their labels in the report.
LABELS = {
    "start": "start",
    "setup": "fit's own set-up and end",
    "first_step": "first step",
    "input_wait": "input",
    "step": "steps (input and compute)",
    "host": "host",
    "device": "compute",
    "metrics_logs": "metrics and logs",
    "callbacks": "callbacks",
    "validation": "validation",
    "epoch_boundary": "between epochs",
    "loops": "predict and the like",
    "script": "the script itself",
    "shutdown": "shutdown",
    "unattributed": "not attributed",
}


# Preparing and sending a compiled step takes less than this. If a step is computed after its call, at least this share
# of the call's time is computed there.
LONGEST_SENDING_S, LEAST_COMPUTED_AFTER = 5e-3, 0.1


def make_budget(facts: Facts) -> Budget:
    """Divides the projection into the parts of the report."""
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    seconds["start", "imports"] = facts.imports_s
    seconds["start", "before the first fit"] = facts.part_s("start")
    seconds["script", ""] = facts.part_s("script")
    seconds["shutdown", ""] = facts.part_s("shutdown")
    seconds["unattributed", ""] = facts.unattributed_s
    for term in facts.projection.terms:
        if term.part != "step":
            seconds[term.part, term.label if term.part == "callbacks" else ""] += term.s
    for fit in facts.fits:
        stalls_s = fit.later_epochs("mid") * fit.stall_wait_s
        seconds["epoch_boundary", ""] -= stalls_s
        seconds["input_wait", ""] += stalls_s
        if not fit.record.step.count and fit.device_s is not None:  # first steps only
            computing_s = min(seconds["first_step", ""], fit.record.calls * fit.device_s * fit.per_execution)
            seconds["first_step", ""] -= computing_s
            seconds["device", ""] += computing_s
        for key, per_step_s in split_step(facts, fit).items():
            seconds[key] += per_step_s * fit.steps("mid")
    parts, overlapped = _parts(seconds, facts.total_s), _overlapped(facts)
    return Budget(total_s=facts.total_s, parts=parts, unattributed_s=facts.unattributed_s, overlapped=overlapped)


def split_step(facts: Facts, fit: FitFacts) -> dict[tuple[str, str], float]:
    """One step of a fit by part and child; the values sum to the step."""
    parts: dict[tuple[str, str], float] = {("metrics_logs", ""): fit.logs_s}
    for position, cost_s in fit.batch_hooks_s.items():
        key = ("callbacks", fit.record.callbacks[position].name)
        parts[key] = parts.get(key, 0.0) + cost_s
    inside_s = fit.step_s - fit.python_s - sum(parts.values())
    dispatch_s = _dispatch_s(facts, fit, outside_s=fit.step_s - inside_s)
    if fit.wait_s is None and fit.idle_s is None and fit.index not in facts.measured.input_free:
        dispatch_s = min(dispatch_s, inside_s)
        parts["step", ""] = inside_s - dispatch_s
    else:
        steps = fit.steps("mid")
        wait_s = min(inside_s, facts.input_cost(fit)[0].mid / steps) if steps else 0.0
        sending_s = inside_s - wait_s - (fit.device_s or 0.0)
        if fit.device_s is not None and not _computes_in_call(
            facts, fit, sending_s
        ):  # time that neither waits nor computes prepares and sends
            dispatch_s = max(dispatch_s, sending_s)
        dispatch_s = min(dispatch_s, inside_s - wait_s)
        parts["input_wait", ""] = wait_s
        parts["device", ""] = inside_s - wait_s - dispatch_s
    parts["host", ""] = fit.python_s + dispatch_s
    return parts


def _computes_in_call(facts: Facts, fit: FitFacts, sending_s: float) -> bool:
    """Whether a compiled step is computed before its call returns, as large steps may be on a CPU.

    Then the call takes longer than sending a step ever does.
    """
    return (
        not facts.is_eager(fit)
        and sending_s > LONGEST_SENDING_S
        and (fit.device_s or 0.0) < LEAST_COMPUTED_AFTER * sending_s
    )


def _overlapped(facts: Facts) -> tuple[Part, ...]:
    """Work on other threads, which does not delay the training. It is no part of the whole."""
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for fit in facts.fits:
        if fit.drawn_s is not None and fit.idle_s is not None:
            hidden_s = fit.drawn_s * fit.steps("mid") - facts.input_cost(fit)[0].mid
            seconds["input", "input"] += max(0.0, hidden_s)
        for callback in fit.record.callbacks:
            for hook, took in callback.beside.items():
                seconds["callbacks", callback.name] += fit.unit(took).mid * fit.hook_calls(hook, "mid")
    total_s = facts.total_s
    return tuple(
        Part(
            id=kind if kind == "input" else f"{kind}/{label}",
            label=label,
            s=taken_s,
            share=taken_s / total_s if total_s > 0 else 0.0,
        )
        for (kind, label), taken_s in seconds.items()
        if taken_s > 0
    )


def _dispatch_s(facts: Facts, fit: FitFacts, outside_s: float) -> float:
    """The cost of launching the train function in a step: the measured saving of fewer launches.

    A part of that saving lies outside the function, because Python, logs and hooks run less often too. Those have parts
    of their own.
    """
    ratio = facts.measured.fewer_dispatches.get(fit.index)
    if ratio is None or ratio.mid <= 1:
        return 0.0
    return max(0.0, fit.step_s * (1 - 1 / ratio.mid) - outside_s)


def _parts(seconds: dict[tuple[str, str], float], total_s: float) -> tuple[Part, ...]:
    def part(name: str, label: str, taken_s: float, children: tuple[Part, ...] = ()) -> Part:
        share = taken_s / total_s if total_s > 0 else 0.0
        return Part(id=name, label=label, s=taken_s, share=share, children=children)

    parts = []
    for name, label in LABELS.items():
        inner = {child: taken_s for (parent, child), taken_s in seconds.items() if parent == name and taken_s > 0}
        if not inner and name != "unattributed":  # it is shown even if it is zero
            continue
        children = tuple(part(f"{name}/{child}", child, taken_s) for child, taken_s in inner.items() if child)
        parts.append(part(name, label, sum(inner.values()), children))
    return tuple(parts)
