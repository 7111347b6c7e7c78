from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from hypothesis import given, settings

from fitdoctor.recording.model import Duration, Run, Site
from fitdoctor.recording.plain import described, plain
from tests.support.recorded_runs import runs


@given(run=runs)
@settings(max_examples=60, deadline=None)
def test_a_recording_is_described_fast_as_it_would_be_slowly(run: Run) -> None:
    assert described(run) == plain(asdict(run))


@pytest.mark.parametrize(
    "value",
    [
        [1.0, math.nan],
        [math.inf, -math.inf],
        [1e308, 1e308],
        [1.0, 2],
        [True, 1.5],
        [],
        (1.0, 2**80),
        {1: [0.5]},
        [Site(file="a", line=1)],
        {2},
    ],
    ids=repr,
)
def test_only_lists_of_floats_are_copied_whole(value: object) -> None:
    record = Duration(samples_s=value)  # type: ignore[arg-type]
    assert described(record) == plain(asdict(record))
    assert [type(item) for item in described([1.0, 2, True])] == [float, int, bool]


def test_a_description_is_a_copy() -> None:
    record = Duration(samples_s=[1.0])
    said = described(record)
    record.samples_s.append(2.0)
    assert said["samples_s"] == [1.0]
