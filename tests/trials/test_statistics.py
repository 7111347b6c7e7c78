from __future__ import annotations

import math
import random

import pytest
import scipy.stats  # noqa: F401 - takes seconds to import on a busy machine: not within the first test, which has a deadline
from hypothesis import given, settings
from hypothesis import strategies as st

from fitdoctor.recording.model import Window
from fitdoctor.trials.statistics import ARMS_DIFFER, Comparison, compare, comparison_of, hopeless, judge, shrunk
from tests.support import builders as make

positive = st.floats(min_value=1e-9, max_value=1e6)
pairs = st.lists(st.tuples(positive, positive), min_size=2, max_size=12)


def paired(rounds: list[tuple[float, float]], *, scale: float = 1.0) -> list[Window]:
    windows = []
    for number, (base_s, arm_s) in enumerate(rounds):
        windows.append(Window(arm="base", round=number, order=0, seconds=base_s * scale, units=3))
        windows.append(Window(arm="arm", round=number, order=1, seconds=arm_s * scale, units=3))
    return windows


def faster(ratio: float, *, rounds: int = 8, jitter: float = 0.01) -> Comparison:
    windows = make.windows("base", 0.02 * ratio, rounds=rounds, jitter=jitter)
    return compare(windows + make.windows("armed", 0.02, rounds=rounds, jitter=jitter), "armed", ["base"])


def close(one: Comparison, other: Comparison) -> bool:
    assert one.ratio
    assert other.ratio
    return all(
        math.isclose(getattr(one.ratio, end), getattr(other.ratio, end), rel_tol=1e-6, abs_tol=1e-9)
        for end in ("low", "mid", "high")
    )


@given(pairs, st.floats(min_value=1e-3, max_value=1e3))
def test_the_unit_of_time_does_not_matter(rounds: list[tuple[float, float]], scale: float) -> None:
    assert close(compare(paired(rounds), "arm", ["base"]), compare(paired(rounds, scale=scale), "arm", ["base"]))


@given(pairs)
def test_swapping_the_arms_inverts_the_ratio(rounds: list[tuple[float, float]]) -> None:
    one, other = (compare(paired(rounds), *ids) for ids in (("arm", ["base"]), ("base", ["arm"])))
    assert one.ratio
    assert other.ratio
    assert one.ratio.low == pytest.approx(1 / other.ratio.high, rel=1e-6)
    assert one.ratio.mid == pytest.approx(1 / other.ratio.mid, rel=1e-6)


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_rounds_does_not_matter(rounds: list[tuple[float, float]], random_: random.Random) -> None:
    shuffled = rounds[:]
    random_.shuffle(shuffled)
    assert close(compare(paired(rounds), "arm", ["base"]), compare(paired(shuffled), "arm", ["base"]))


@settings(max_examples=200)
@given(
    st.lists(
        st.builds(
            Window,
            arm=st.sampled_from(["arm", "base", "other"]),
            round=st.integers(min_value=0, max_value=5),
            order=st.integers(min_value=0, max_value=5),
            seconds=st.floats(),
            units=st.integers(min_value=-1, max_value=5),
            queue_s=st.floats(min_value=0, max_value=10),
        ),
        max_size=40,
    )
)
def test_whatever_was_recorded_every_figure_is_finite(windows: list[Window]) -> None:
    comparison = compare(windows, "arm", ["base"])
    figures = [comparison.mean_log, comparison.sd_log, comparison.mid, *comparison.rounds]
    if comparison.ratio:
        figures += [comparison.ratio.low, comparison.ratio.mid, comparison.ratio.high]
        assert comparison.ratio.low <= comparison.ratio.mid <= comparison.ratio.high
    assert all(math.isfinite(figure) for figure in figures)
    verdict, why = judge(comparison, comparison)
    assert verdict in ("measured", "refuted", "inconclusive")
    assert why
    hopeless(comparison)


@given(st.lists(positive, min_size=1, max_size=12))
def test_identical_windows_are_never_a_gain(seconds: list[float]) -> None:
    comparison = compare(paired([(s, s) for s in seconds]), "arm", ["base"])
    assert judge(comparison, None)[0] != "measured"


def test_a_clear_gain_is_measured_and_a_clear_loss_refuted() -> None:
    assert judge(faster(2.0), faster(1.0))[0] == "measured"
    assert judge(faster(0.9), faster(1.0))[0] == "refuted"
    assert "over 8 rounds" in judge(faster(2.0), None)[1]


def test_a_small_gain_is_refuted_once_there_are_enough_rounds() -> None:
    assert judge(faster(1.02, rounds=4, jitter=0.1), None)[0] == "inconclusive"
    assert judge(faster(1.02, rounds=24, jitter=0.1), None)[0] == "refuted"


def test_noise_alone_refutes_nothing() -> None:
    noisy = faster(1.02, rounds=8, jitter=0.5)
    assert noisy.ratio is not None
    assert noisy.ratio.high > 1.2
    assert judge(noisy, None)[0] == "inconclusive"


def test_a_gain_within_the_deviation_of_identical_arms_proves_nothing() -> None:
    gain, deviation = faster(1.25, jitter=0.001), faster(1.3, jitter=0.001)
    assert judge(gain, None)[0] == "measured"
    verdict, why = judge(gain, deviation)
    assert verdict == "inconclusive"
    assert "identical arms" in why
    assert judge(gain, faster(1 / 1.3, jitter=0.001))[0] == "inconclusive"


def test_more_remedies_and_looks_need_more_proof() -> None:
    comparison = faster(1.13, rounds=4, jitter=0.012)
    assert judge(comparison, None, looks=1, remedies=1)[0] == "measured"
    assert judge(comparison, None, looks=3, remedies=20)[0] == "inconclusive"


def test_too_few_windows_can_not_tell() -> None:
    assert faster(5.0, rounds=1).ratio is None
    assert judge(faster(5.0, rounds=1), None) == ("inconclusive", "Too few windows to tell.")


def test_contended_windows_are_dropped_while_enough_quiet_ones_stay() -> None:
    crowded = [
        Window(
            arm=arm,
            round=number,
            order=0,
            seconds=9.0 if number < 4 else 0.1,
            units=1,
            queue_s=8.0 if number < 4 else 0,
        )
        for arm in ("arm", "base")
        for number in range(8)
    ]
    kept = compare(crowded, "arm", ["base"])
    assert (kept.n, kept.contended) == (4, False)
    few = compare(crowded[:6] + crowded[8:14], "arm", ["base"])
    assert (few.n, few.contended) == (6, True)
    assert "other processes" in judge(few, None)[1]


def test_the_reference_is_the_geometric_mean_of_baseline_and_placebo() -> None:
    windows = (
        make.windows("arm", 1.0, jitter=0) + make.windows("base", 2.0, jitter=0) + make.windows("again", 8.0, jitter=0)
    )
    assert compare(windows, "arm", ["base", "again"]).mid == pytest.approx(4.0)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.floats(min_value=1e-3, max_value=10)] * 3), min_size=1, max_size=12))
def test_identical_arms_are_no_faster_on_the_average_however_they_scatter(
    rounds: list[tuple[float, float, float]],
) -> None:
    windows = [
        Window(arm=arm, round=number, order=0, seconds=seconds, units=3)
        for number, each in enumerate(rounds)
        for arm, seconds in zip("abc", each, strict=True)
    ]
    logs = [compare(windows, arm, [other for other in "abc" if other != arm]).mean_log for arm in "abc"]
    assert math.fsum(logs) == pytest.approx(0.0, abs=1e-9)


def test_the_interval_never_gets_narrower_than_what_identical_arms_differ_by() -> None:
    (ratio,) = {
        compare(make.windows("arm", 1.0, rounds=400) + make.windows("base", 1.5, rounds=400), "arm", ["base"]).ratio
    }
    assert ratio
    assert math.log(ratio.high / ratio.mid) > 1.96 * ARMS_DIFFER
    assert math.log(ratio.high / ratio.mid) < 1.3 * 1.96 * ARMS_DIFFER


@settings(deadline=None)
@given(st.floats(min_value=0.5, max_value=2.0))
def test_the_interval_widens_with_the_difference_of_the_references(factor: float) -> None:
    def width(again_s: float) -> float:
        windows = make.windows("arm", 1.0) + make.windows("base", 1.5) + make.windows("again", again_s)
        ratio = compare(windows, "arm", ["base", "again"]).ratio
        assert ratio
        return math.log(ratio.high / ratio.low)

    assert width(1.5 * factor) >= width(1.5) - 1e-9


def test_hopeless_after_two_rounds() -> None:
    assert hopeless(faster(0.5, rounds=2))
    assert not hopeless(faster(0.5, rounds=1))
    assert not hopeless(faster(0.9, rounds=8))
    assert not hopeless(comparison_of("arm", [-0.9, 0.3]))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_share_of_an_effect_stays_as_uncertain(share: float) -> None:
    before = faster(2.0, jitter=0.2)
    after = shrunk(before, share)
    assert before.ratio is not None
    assert after.ratio is not None
    assert after.mid == pytest.approx(2.0**share, rel=0.2)
    assert after.ratio.high / after.ratio.low == pytest.approx(before.ratio.high / before.ratio.low)
    assert after.ratio.low <= after.mid <= after.ratio.high
