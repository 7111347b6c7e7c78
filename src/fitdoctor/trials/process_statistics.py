"""What pairs of processes prove: one with the environment as it is, one with another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import fsum, sqrt
from statistics import median

from fitdoctor.recording.model import ProcessRun, Window
from fitdoctor.trials.statistics import CONFIDENCE, FLOOR, HARDLY_FASTER, OPEN, Comparison, Verdict, bounds

#: The unit of arms that need an environment of their own.
PROCESS = "process"
#: Pairs after which a decision may be taken, fixed beforehand: each look is a chance to be wrong.
LOOKS = (3, 5)
#: Largest difference between two updates of the weights, as a share of the update, that other rounding explains over a
#: few steps.
CLOSE = 0.05


def per_process(windows: Iterable[Window]) -> list[Window]:
    """One window for each process: the median of its own. Windows of one process share its luck, so they are no samples
    by themselves.

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
    if comparison.ratio is None or comparison.n < LOOKS[0]:
        return (
            "inconclusive",
            f"{comparison.n} pairs of processes are too few to tell: a larger --budget has room for more.",
        )
    strict = bounds(comparison, 1 - (1 - CONFIDENCE) / len(LOOKS))
    shown = f"{comparison.ratio.mid:.2f}× [{comparison.ratio.low:.2f}, {comparison.ratio.high:.2f}] over {comparison.n} pairs of processes"
    crowd = ", while other processes took the machine" if comparison.contended else ""
    if strict.low > FLOOR:
        return "measured", f"{shown}{crowd}, above {FLOOR:.2f}×."
    if comparison.ratio.high < (OPEN if comparison.mid < HARDLY_FASTER else FLOOR):
        return "refuted", f"{shown}{crowd}: hardly faster."
    return "inconclusive", f"{shown}{crowd}: it may or may not be faster."


def compared(plain: Sequence[ProcessRun], changed: Sequence[ProcessRun]) -> tuple[str, str]:
    """Whether some steps lead to the "same", "close" or "different" weights in another environment, and why that can't
    be told.
    """
    found = [run.weights for run in (*plain, *changed)]
    if not plain or not changed or any("end" not in weights for weights in found):
        why = next((str(weights["why"]) for weights in found if weights.get("why")), "")
        return (
            "",
            f"the weights could not be followed ({why})"
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
