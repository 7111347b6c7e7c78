"""A bundle holds nothing of the user's, whatever stood in the recording, and leads to the same report."""

from __future__ import annotations

import re
import types
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fitdoctor.analysis import build
from fitdoctor.recording import own_words
from fitdoctor.recording.bundle import bundle
from fitdoctor.recording.load import decode_run
from fitdoctor.recording.model import Arm, CallbackRecord, ColumnStatistics, InputArray, Run
from fitdoctor.recording.model.system import Gpu, Level, Series, System
from fitdoctor.recording.save import encode_run
from fitdoctor.system.collector import FAILED
from tests.support import builders as make
from tests.support.diagnosed_runs import SLOW_INPUT, diagnosed, pipeline_fit
from tests.support.recorded_runs import full_run

# Stands in no word of ours.
PLANTED = "zqx"

SHAPES = (
    "{}",
    "/home/{}/x.py",
    "{} = 1",
    "val_{}",
    "2.21.{}",
    "NVIDIA {}",
    "keras.{}",
    "fit[{!r}]",
    "Linux-6-{}",
    "No trials at {}: {}",
)

KNOWN_KEYS = ("monitor", "place", "file", "python", "platform", "devices", "message", "id", "call", "patience")


@st.composite
def planted(draw: st.DrawFn) -> str:
    letters = draw(st.text("abcdefghij0123456789", min_size=1, max_size=6))
    return draw(st.sampled_from(SHAPES)).format(PLANTED + letters, PLANTED + letters)


def strategy_of(kind: Any) -> st.SearchStrategy[Any]:
    """Makes values of a recording's types with a planted text wherever a text may stand."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        inner = planted() | st.booleans() | st.integers(0, 99)
        return (
            inner
            | st.lists(inner, max_size=2)
            | st.dictionaries(planted() | st.sampled_from(KNOWN_KEYS), inner, max_size=2)
        )
    if kind is str:
        return planted()
    if origin is types.UnionType:
        return st.one_of(*(st.none() if each is type(None) else strategy_of(each) for each in arguments))
    if origin is list:
        return st.lists(strategy_of(arguments[0]), min_size=1, max_size=2)
    if origin is tuple:
        return st.tuples(strategy_of(arguments[0]))
    if origin is dict:
        return st.dictionaries(planted() | st.sampled_from(KNOWN_KEYS), strategy_of(arguments[1]), max_size=2)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{each.name: strategy_of(hints[each.name]) for each in fields(kind)})
    return st.just(kind(1))


@settings(deadline=None)  # the first example reads all of our source
@given(strategy_of(Run))
def test_no_planted_text_is_left(run: Run) -> None:
    assert PLANTED.encode() in encode_run(run)
    assert PLANTED.encode() not in encode_run(bundle(run).run)


def test_a_bundle_is_a_recording() -> None:
    made = bundle(full_run()).run
    assert made.bundled
    assert decode_run(encode_run(made)) == made


def test_figures_of_the_machine_stay_without_the_date() -> None:
    run = full_run()
    assert run.scout is not None
    series = Series(
        counters={"process_cpu_s": [1.0, None]}, levels={"rss_bytes": Level(mean=[5.0], least=[4.0], most=[6.0])}
    )
    limits = [FAILED.format("GPUs", "NVMLError", "of ann")]
    gpus = [Gpu(device="NVIDIA H200"), Gpu(device="ann's GPU")]
    run.scout.system = System(
        began_unix_s=1.7e9, stretches_s=[1.0, 2.0], series=series, missing=["clocks"], limits=limits, gpus=gpus
    )
    made = bundle(run).run.scout
    assert made is not None
    assert made.system is not None
    assert (made.system.series, made.system.missing, made.system.began_unix_s) == (series, ["clocks"], 0.0)
    assert made.system.limits == ["Some figures of the system are unknown: reading its … failed (…: …)."]
    assert [gpu.device for gpu in made.system.gpus] == ["NVIDIA H200", ""]


def test_structure_numbers_and_names_of_the_frameworks_stay() -> None:
    made = bundle(full_run()).run
    assert made.scout is not None
    fit = made.scout.fits[0]
    assert (fit.site.file, fit.site.line, fit.site.code, fit.site.arguments) == ("file1.py", 58, "", {"epochs": 58})
    assert (made.script, made.argv) == ("file1.py", ["argument1", "argument2"])
    assert fit.operations[0].name == "map"
    assert fit.callbacks[0].attributes == {"patience": 3, "monitor": "val_loss"}
    assert fit.callbacks[0].hooks["on_epoch_end"].total_s == 0.2
    assert made.scout.environment["keras"] == "3.15.1"
    assert made.rehearsals[0].windows[0].arm == made.rehearsals[0].arms[0].id


def test_the_same_text_gets_the_same_placeholder_everywhere() -> None:
    record = make.callback("PatientPlotter", hooks={"on_epoch_end": make.took(1.0, 2)})
    run = make.run(make.fit(callbacks=[record]))
    place = {"file": make.SCRIPT, "line": 17, "position": -1}
    change = {
        "kind": "throttle-hook",
        "place": place,
        "call": "PatientPlotter",
        "hook": "on_epoch_end",
        "every": 5,
        "index": 0,
    }
    run.rehearsals = [
        make.Rehearsal(arms=[Arm(id="a", role="remedy", unit="epoch_end", remedy="rarer-callback", changes=[change])])
    ]
    made = bundle(run).run
    assert made.scout is not None
    changed = made.rehearsals[0].arms[0].changes[0]
    assert changed["call"] == made.scout.fits[0].callbacks[0].name == "Name1"
    assert changed["place"]["file"] == made.scout.fits[0].site.file
    assert made.rehearsals[0].arms[0].id == "epoch_end/rarer-callback"


def test_attributes_that_no_cause_reads_are_dropped() -> None:
    record = CallbackRecord(
        index=0, name="Mine", module="__main__", own=True, attributes={"secret_token": 4711, "patience": 3}
    )
    made = bundle(make.run(make.fit(callbacks=[record]))).run
    assert made.scout is not None
    assert made.scout.fits[0].callbacks[0].attributes == {"patience": 3}


def test_figures_of_the_data_keep_their_magnitude_only() -> None:
    spread = ColumnStatistics(
        rows=100, features=2, mean=[0.0, -70.123], std=[1.0, 12.5], low=[0.37, -99.9], high=[255.0, 3e-7], whole=False
    )
    record = InputArray(
        name="x['age of patient']", container="pandas.DataFrame", dtype="float64", shape=[100, 2], spread=spread
    )
    made = bundle(make.run(make.fit(inputs=[record]))).run
    assert made.scout is not None
    kept = made.scout.fits[0].inputs[0]
    assert (kept.container, kept.dtype, kept.shape) == ("pandas.DataFrame", "float64", [100, 2])
    assert re.fullmatch(r"x\['name\d+'\]", kept.name)
    assert kept.spread is not None
    assert (kept.spread.mean, kept.spread.std) == ([0.0, -64.0], [1.0, 8.0])
    assert (kept.spread.low, kept.spread.high) == ([0.25, -64.0], [128.0, 2.0**-22])


def test_it_leads_to_the_same_report() -> None:
    run = diagnosed(make.run(pipeline_fit()), SLOW_INPUT)
    before, after = build(run), build(bundle(run).run)
    assert (after.verdict, after.budget, after.ceilings) == (before.verdict, before.budget, before.ceilings)
    assert [(cause.id, cause.status, cause.cost_s) for cause in after.causes] == [
        (cause.id, cause.status, cause.cost_s) for cause in before.causes
    ]
    assert [[remedy.status for remedy in cause.remedies] for cause in after.causes] == [
        [remedy.status for remedy in cause.remedies] for cause in before.causes
    ]
    assert before.prescription is not None
    assert after.prescription is not None
    assert after.prescription.speedup == before.prescription.speedup


def test_sentences_keep_the_words_of_our_source() -> None:
    assert own_words.as_said("No trials at train.py:47: disk full") == "No trials at …: …"
    assert own_words.as_said("the patient's name is Bob") == own_words.LEFT_OUT


def test_the_size_stays_small() -> None:
    assert len(msgspec.json.encode(full_run())) < 10_000


def test_the_number_of_unnamed_files_stays() -> None:
    kept = bundle(
        Run(fitdoctor="1", changed_files=["new: secret.png", "and 5950 more", "new: and 7 more"])
    ).run.changed_files
    assert kept == ["path1", "and 5950 more", "path2"]
