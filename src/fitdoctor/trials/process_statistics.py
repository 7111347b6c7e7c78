"""Judges pairs of processes: one with the environment as it is, one with another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import fsum, sqrt
from statistics import median

from fitdoctor.recording.model import ProcessRun, Window
from fitdoctor.trials.statistics import CONFIDENCE, FLOOR, HARDLY_FASTER, OPEN, Comparison, Verdict, bounds

# Pairs after which a decision may be taken. They are fixed beforehand, since each decision may be wrong by chance.
DECISION_PAIRS = (3, 5)
# Other rounding explains a difference between two updates of the weights up to this share of the update, over a few
# steps.
CLOSE = 0.05


def per_process(windows: Iterable[Window]) -> list[Window]:
    """One window for each process: the median of its windows.

    Windows of one process are correlated, so they are not independent samples.

    Example:
        >>> compare(per_process(rehearsal.windows), "process/default-threads", ["process/baseline"])
    """
    runs: defaultdict[tuple[str, int], list[Window]] = defaultdict(list)
    for window in windows:
        if window.units > 0:
            runs[window.arm, window.round].append(window)
    return [
        Window(
            arm=arm,
            round=pair,
            order=min(window.order for window in found),
            seconds=median(window.seconds / window.units for window in found),
            units=1,
            queue_s=median(window.queue_s / window.units for window in found),
        )
        for (arm, pair), found in runs.items()
    ]


def judge(comparison: Comparison) -> tuple[Verdict, str]:
    """Whether an environment is proven to be faster, proven not to be, or neither."""
    if comparison.ratio is None or comparison.n < DECISION_PAIRS[0]:
        return (
            "inconclusive",
            f"{comparison.n} pairs of processes are too few to tell: a larger --budget has room for more.",
        )
    strict = bounds(comparison, 1 - (1 - CONFIDENCE) / len(DECISION_PAIRS))
    ratio = f"{comparison.ratio.mid:.2f}× [{comparison.ratio.low:.2f}, {comparison.ratio.high:.2f}]"
    contention = ", while other processes used the machine" if comparison.contended else ""
    found = f"{ratio} over {comparison.n} pairs of processes{contention}"
    if strict.low > FLOOR:
        return "measured", f"{found}, above {FLOOR:.2f}×."
    if comparison.ratio.high < (OPEN if comparison.mid < HARDLY_FASTER else FLOOR):
        return "refuted", f"{found}: hardly faster."
    return "inconclusive", f"{found}: it may or may not be faster."


def compare_weights(plain: Sequence[ProcessRun], changed: Sequence[ProcessRun]) -> tuple[str, str]:
    """Compares the weights after some steps in two environments.

    Returns:
        "same", "close" or "different", or "" and why they can't be compared.
    """
    found = [run.weights for run in (*plain, *changed)]
    if not plain or not changed or any("end" not in weights for weights in found):
        why = next((str(weights["why"]) for weights in found if weights.get("why")), "")
        return (
            "",
            f"the weights could not be compared ({why})"
            if why
            else "the model is built too late or too large to be compared",
        )
    if (
        len({(run.weights["start"], run.weights["end"]) for run in plain}) > 1
        or len({weights["start"] for weights in found}) > 1
    ):
        return "", "two processes of the script as it is differ, so weights can't be compared"
    if len({weights["end"] for weights in found}) == 1:
        return "same", ""
    before = plain[0].weights
    pairs = [zip(before["shadows"], run.weights["shadows"], strict=True) for run in changed]
    most = max(sqrt(fsum((ours - theirs) ** 2 for ours, theirs in pair)) for pair in pairs)
    return "close" if most <= CLOSE * sqrt(fsum(length**2 for length in before["lengths"])) else "different", ""
