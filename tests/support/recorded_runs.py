"""Recordings for tests: a full one, and a strategy that makes any."""

from __future__ import annotations

from hypothesis import strategies as st

from fitdoctor.recording.model import (
    Arm,
    CallbackRecord,
    CallSiteRecord,
    Duration,
    Ending,
    Fit,
    Operation,
    ProcessRecord,
    Rehearsal,
    Run,
    Site,
    Window,
)
from fitdoctor.recording.model.system import Gpu, Series, Span, System


def full_run() -> Run:
    site = Site(file="train.py", line=58, code="model.fit(ds)", arguments={"epochs": 58})
    fit = Fit(
        site=site,
        calls=1,
        epochs=50,
        steps_per_epoch=313,
        operations=[
            Operation(
                name="map", position=1, site=site, arguments={"num_parallel_calls": None}, function=site, python=True
            )
        ],
        callbacks=[
            CallbackRecord(
                index=0,
                name="Early",
                module="keras",
                own=False,
                attributes={"patience": 3, "monitor": "val_loss"},
                hooks={"on_epoch_end": Duration(count=2, total_s=0.2, first_s=0.1, samples_s=[0.1])},
            )
        ],
        step=Duration(count=10, total_s=1.5, first_s=0.2, samples_s=[0.15] * 9),
        spans=[Span(began_s=3.5, ended_s=7.0), Span(began_s=8.0)],
    )
    scout = ProcessRecord(
        environment={"keras": "3.15.1"},
        wall_s=12.5,
        parts={"fit": 10.0},
        fits=[fit],
        loops=[CallSiteRecord(kind="predict", site=site, inside=0, hook="on_epoch_end")],
        ending=Ending(how="finished", code=0),
        system=System(
            stretches_s=[0.25], series=Series(counters={"swap_in_bytes": [None]}), gpus=[Gpu(device="NVIDIA H200")]
        ),
    )
    rehearsal = Rehearsal(
        arms=[Arm(id="step/baseline", role="baseline", unit="step")],
        windows=[Window(arm="step/baseline", round=0, order=0, seconds=0.02, units=3)],
    )
    return Run(fitdoctor="0.1.0", script="train.py", argv=["--lr", "0.1"], scout=scout, rehearsals=[rehearsal])


seconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
sites = st.builds(Site, file=texts, line=st.integers(0, 10**6), code=texts)
durations = st.builds(Duration, count=st.integers(0, 10**9), total_s=seconds, samples_s=st.lists(seconds, max_size=3))
fits = st.builds(
    Fit,
    site=sites,
    step=durations,
    callbacks=st.lists(
        st.builds(
            CallbackRecord,
            index=st.integers(0, 5),
            name=texts,
            module=texts,
            own=st.booleans(),
            attributes=st.dictionaries(texts, values, max_size=3),
        ),
        max_size=2,
    ),
)
scouts = st.builds(
    ProcessRecord, environment=st.dictionaries(texts, values, max_size=3), fits=st.lists(fits, max_size=2)
)
windows = st.builds(
    Window, arm=texts, round=st.integers(0, 99), order=st.integers(0, 99), seconds=seconds, units=st.integers(1, 99)
)
runs = st.builds(
    Run,
    fitdoctor=texts,
    script=texts,
    argv=st.lists(texts, max_size=3),
    scout=st.none() | scouts,
    rehearsals=st.lists(st.builds(Rehearsal, windows=st.lists(windows, max_size=3)), max_size=2),
)
