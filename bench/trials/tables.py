"""The tables of `bench/trials/`, in Markdown, with exact intervals beside every rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil, exp, log, sqrt
from statistics import fmean, stdev
from typing import Any

from bench.trials.replay import ARMS_OF_A_TRIAL, Decision, Series, decide, disjoint_decisions, random_stretches


def placebo_table(all_series: Sequence[Series], *, splits: int, trial_s: float) -> str:
    """How often nothing was called measured."""
    head = (
        "kind",
        "other process",
        "rounds",
        "sittings",
        "splits",
        "measured",
        "trials without a shared window",
        "measured",
    )
    lines = _head(head)
    total_splits = total_hits = total_disjoint = total_disjoint_hits = sittings = sittings_hit = 0
    for number, series in enumerate(all_series):
        stretches = random_stretches(series, splits, ARMS_OF_A_TRIAL, trial_s, number)
        hits = sum(
            decision.verdict == "measured" for stretch in stretches for decision in decide(stretch, trial_s=trial_s)
        )
        disjoint = disjoint_decisions(series, trial_s=trial_s, seed=number)
        count = sum(map(len, disjoint))
        disjoint_hits = sum(decision.verdict == "measured" for decisions in disjoint for decision in decisions)
        rounds = sum(len(sitting.rounds) for sitting in series.sittings)
        lines.append(
            f"| {series.kind} | {'busy' if series.busy else '–'} | {rounds} | {len(series.sittings)} | {len(stretches)}"
            f" | {_percent(hits, len(stretches))} | {count} | {disjoint_hits} |"
        )
        total_splits, total_hits = total_splits + len(stretches), total_hits + hits
        total_disjoint, total_disjoint_hits = total_disjoint + count, total_disjoint_hits + disjoint_hits
        sittings += sum(1 for decisions in disjoint if decisions)
        sittings_hit += sum(any(decision.verdict == "measured" for decision in decisions) for decisions in disjoint)
    scaled = ceil(total_hits / max(1, total_splits) * total_disjoint)
    lines += [
        "",
        (
            f"Over all {total_splits} splits {_percent(total_hits, total_splits)} measured. The splits overlap; the"
            f" effective number of samples is that of trials without a shared window, {total_disjoint}. With so many,"
            f" the rate of the splits has the interval {interval(scaled, total_disjoint)}; the disjoint trials"
            f" themselves: {disjoint_text(total_disjoint_hits, total_disjoint)}."
        ),
        f"Sittings with any measured in their disjoint trials: {disjoint_text(sittings_hit, sittings)}.",
    ]
    return "\n".join(lines)


def power_table(all_series: Sequence[Series], *, splits: int, trial_s: float, slowdowns: Iterable[float]) -> str:
    """How often a slowdown is found in time, and how often the interval holds it."""
    within = f"measured within {trial_s:.0f} s"
    lines = _head(
        ("slowdown", "splits", within, "median s to it", "interval holds it", "disjoint trials", "interval holds it")
    )
    for slowdown in slowdowns:
        decisions, disjoint = [], []
        for number, series in enumerate(all_series):
            for stretch in random_stretches(series, splits, ARMS_OF_A_TRIAL, trial_s, number):
                decisions += decide(stretch, trial_s=trial_s, slowdown=slowdown)
            disjoint += [
                d for each in disjoint_decisions(series, trial_s=trial_s, slowdown=slowdown, seed=number) for d in each
            ]
        found = sorted(decision.trial_s for decision in decisions if decision.verdict == "measured")
        (held, shown), (held_disjoint, shown_disjoint) = _held(decisions, slowdown), _held(disjoint, slowdown)
        median = f"{found[len(found) // 2]:.1f}" if found else "–"
        lines.append(
            f"| {slowdown:.0%} | {len(decisions)} | {_percent(len(found), len(decisions))} | {median} |"
            f" {_percent(held, shown)} | {len(disjoint)} | {disjoint_text(held_disjoint, shown_disjoint)} |"
        )
    return "\n".join(lines)


def power_by_kind(all_series: Sequence[Series], *, splits: int, trial_s: float, slowdowns: Sequence[float]) -> str:
    """The share of each slowdown that is found, and of intervals that hold it, by kind of script."""
    lines = _head(("kind", "other process", *(f"{slowdown:.0%}" for slowdown in slowdowns)))
    for number, series in enumerate(all_series):
        stretches = random_stretches(series, splits, ARMS_OF_A_TRIAL, trial_s, number)
        cells = []
        for slowdown in slowdowns:
            decisions = [d for stretch in stretches for d in decide(stretch, trial_s=trial_s, slowdown=slowdown)]
            measured = sum(decision.verdict == "measured" for decision in decisions)
            cells.append(f"{_percent(measured, len(decisions))} / {_percent(*_held(decisions, slowdown))}")
        lines.append(f"| {series.kind} | {'busy' if series.busy else '–'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def noise_table(all_series: Sequence[Series]) -> str:
    """What identical arms of a series differ by: from round to round, and as they are prepared."""
    head = (
        "kind",
        "other process",
        "a window",
        "a round of three",
        "a round differs by",
        "with the one before",
        "prepared arms differ by",
    )
    lines = _head(head)
    for series in all_series:
        window_s = fmean(w[0] for sitting in series.sittings for _, windows in sitting.rounds for w in windows)
        round_s = fmean(
            wall_s * ARMS_OF_A_TRIAL / sitting.arms for sitting in series.sittings for wall_s, _ in sitting.rounds
        )
        within, means, products = [], [], []
        for sitting in series.sittings:
            logs = [[log(w[0] / w[1]) for w in windows] for _, windows in sitting.rounds]
            for other in range(1, sitting.arms):
                values = [row[other] - row[0] for row in logs]
                if len(values) < 3:
                    continue
                mean, sd = fmean(values), stdev(values)
                within.append(sd**2)
                means.append(mean**2 - sd**2 / len(values))
                products.append(sum((a - mean) * (b - mean) for a, b in pairwise(values)) / (len(values) * sd**2 or 1))
        if within:
            lines.append(
                f"| {series.kind} | {'busy' if series.busy else '–'} | {1000 * window_s:.0f} ms | {round_s:.2f} s "
                f"| {sqrt(fmean(within)):.1%} | {fmean(products):+.2f} | {sqrt(max(0.0, fmean(means))):.1%} |"
            )
    return "\n".join(lines)


def live_table(rows: Sequence[dict[str, Any]]) -> str:
    """Live trials of remedies that change nothing."""
    lines = _head(("kind", "rehearsals", "trials", "measured", "refuted", "inconclusive", "other"))
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        said = [sum(row["verdict"] == verdict for row in own) for verdict in ("measured", "refuted", "inconclusive")]
        cells = " | ".join(map(str, [*said, len(own) - sum(said)]))
        lines.append(f"| {kind} | {len({row['rehearsal'] for row in own})} | {len(own)} | {cells} |")
    hits = sum(row["verdict"] == "measured" for row in rows)
    baselines = len({(row["kind"], row["rehearsal"]) for row in rows})
    hit = len({(row["kind"], row["rehearsal"]) for row in rows if row["verdict"] == "measured"})
    lines += [
        "",
        (
            f"Measured: {disjoint_text(hits, len(rows))} trials. Trials of one rehearsal share its baseline: rehearsals"
            f" with any measured, {disjoint_text(hit, baselines)}."
        ),
    ]
    return "\n".join(lines)


def delay_table(rows: Sequence[dict[str, Any]], trial_s: float) -> str:
    """Live trials of a remedy that takes a delay out."""
    lines = _head(("delay", "trials", f"measured within {trial_s:.0f} s", "interval holds it"))
    for slowdown in sorted({row["slowdown"] for row in rows}):
        own = [row for row in rows if row["slowdown"] == slowdown]
        held = sum(bool(row["ratio"]) and row["ratio"][0] <= true_ratio(row) <= row["ratio"][2] for row in own)
        measured = sum(row["verdict"] == "measured" for row in own)
        lines.append(
            f"| {slowdown:.0%} | {len(own)} | {disjoint_text(measured, len(own))} | {disjoint_text(held, len(own))} |"
        )
    return "\n".join(lines)


def true_ratio(row: dict[str, Any]) -> float:
    """The true speedup of removing the delay: the delay is known, and the trial timed the step without it."""
    treated_s = row["treated_step_s"] or row["plain_step_s"]
    return float(1 + row["slowdown"] * row["plain_step_s"] / treated_s)


def drift_table(costs: dict[str, list[float]]) -> str:
    """What a step costs in fresh processes of the same script."""
    lines = _head(("kind", "processes", "a step", "standard deviation", "least to most", "most from the middle"))
    pooled: list[float] = []
    for kind, seconds in costs.items():
        logs = [log(each) for each in seconds]
        mean = fmean(logs)
        pooled += [each - mean for each in logs]
        far = max(abs(each - mean) for each in logs)
        lines.append(
            f"| {kind} | {len(logs)} | {1000 * exp(mean):.3g} ms | {exp(stdev(logs)) - 1:.1%} |"
            f" {exp(max(logs) - min(logs)) - 1:.1%} | {exp(far) - 1:.1%} |"
        )
    spread = sqrt(sum(each**2 for each in pooled) / max(1, len(pooled) - len(costs)))
    from scipy.stats import t

    reach = float(t.ppf(0.975, max(1, len(pooled) - len(costs)))) * spread * sqrt(2)
    near = f"two processes lie within {exp(reach) - 1:.0%} in 95 % of pairs"
    lines += ["", f"Pooled: {exp(spread) - 1:.1%} from one process to the next; {near}."]
    return "\n".join(lines)


def interval(hits: int, of: int) -> str:
    """The exact 95 % interval of a rate (Clopper and Pearson)."""
    if not of:
        return "–"
    from scipy.stats import binomtest

    found = binomtest(hits, of).proportion_ci(confidence_level=0.95, method="exact")
    return f"[{found.low:.2%}, {found.high:.2%}]"


def disjoint_text(hits: int, of: int) -> str:
    """A count with its rate's interval."""
    return f"{hits} of {of} {interval(hits, of)}"


def _head(names: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def _held(decisions: Iterable[Decision], slowdown: float) -> tuple[int, int]:
    """How many of the decisions that have an interval have the truth in it, and how many have one."""
    shown = [decision for decision in decisions if decision.has_interval]
    return sum(decision.covers(1 + slowdown) for decision in shown), len(shown)


def _percent(hits: int, of: int) -> str:
    return f"{hits / of:.1%}" if of else "–"
