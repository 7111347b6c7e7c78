"""Each way in which a scout may end is told apart, and says what to do next."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.diagnosis.exit_messages import never_started, no_verdict
from fitdoctor.facts.measured_units import has_measured_units
from fitdoctor.process.exit_status import ending_from_exit_code
from fitdoctor.recording.model import CallSiteRecord, Duration, Ending, ProcessRecord
from tests.support import builders as make

REQUEST = make.request(Path("run"))
PLACE = make.site(7, "data = load(path)")
ENDINGS = {
    "declined": Ending(how="declined", message="Received Keras 2.15.0, expected Keras 3.6 or later."),
    "exception": Ending(how="exception", error="FileNotFoundError", message="no data.csv\nmore", site=PLACE),
    "no input": Ending(how="exception", error="EOFError", message="EOF when reading a line", site=PLACE),
    "no module": Ending(how="exception", error="ModuleNotFoundError", message="No module named 'cv2'", site=PLACE),
    "no syntax": Ending(how="exception", error="SyntaxError", message="invalid syntax (train.py, line 3)"),
    "exit": Ending(how="exit", code=2, message="usage: train.py DATA", site=PLACE),
    "write": Ending(how="blocked-write", message="/home/ann/model.h5", error="open", site=PLACE),
    "limit": Ending(how="limit", site=PLACE),
    "finished": Ending(how="finished", code=0),
    "killed": Ending(how="killed", message="SIGKILL"),
    "interrupted": Ending(how="interrupted", site=PLACE),
}
SAYS = {
    "declined": ["Keras 2.15.0"],
    "exception": ["FileNotFoundError", "no data.csv", "train.py:7"],
    "no input": ["asked for input", "< answers.txt"],
    "no module": ["cv2", "/usr/bin/python3", "--python"],
    "no syntax": ["does not compile", "line 3"],
    "exit": ["code 2", "usage: train.py DATA", "arguments"],
    "write": ["/home/ann/model.h5", "train.py:7", "--allow-writes"],
    "limit": ["30 s", "train.py:7", "--budget 120"],
    "finished": ["never imported Keras"],
    "killed": ["SIGKILL", "memory"],
    "interrupted": ["interrupted", "train.py:7"],
}


@pytest.mark.parametrize("how", ENDINGS)
def test_why_there_is_no_verdict(how: str) -> None:
    text = no_verdict(ProcessRecord(ending=ENDINGS[how]), REQUEST)
    assert all(part in text for part in SAYS[how]), text
    assert text.rstrip().endswith(".")
    assert "\n" not in text


def test_each_ending_has_its_own_message() -> None:
    texts = [no_verdict(ProcessRecord(ending=ending), REQUEST) for ending in ENDINGS.values()]
    assert all(one != other for one, other in itertools.combinations(texts, 2))


def test_keras_that_was_imported_and_not_used() -> None:
    text = no_verdict(ProcessRecord(ending=ENDINGS["finished"], environment={"keras": "3.15"}), REQUEST)
    assert "called none of its fit" in text


def test_a_fit_that_was_declined() -> None:
    scout = ProcessRecord(fits=[make.fit(declined="a distribution strategy is in force")], ending=ENDINGS["finished"])
    text = no_verdict(scout, REQUEST)
    assert "train.py:18" in text
    assert "distribution strategy" in text


def test_a_fit_that_did_no_step() -> None:
    scout = ProcessRecord(fits=[make.fit(seen=0, first_step=Duration(), epochs=0)], ending=ENDINGS["finished"])
    assert "epochs=0" in no_verdict(scout, REQUEST)


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (None, Ending(how="limit")),
        (-9, Ending(how="killed", message="SIGKILL")),
        (-60, Ending(how="killed", message="signal 60")),
        (3, Ending(how="exit", code=3)),
    ],
    ids=str,
)
def test_endings_from_exit_codes(code: int | None, ending: Ending) -> None:
    assert ending_from_exit_code(code) == ending


@pytest.mark.parametrize(("code", "how"), [(None, "did not end"), (-11, "SIGSEGV"), (127, "exit code 127")])
def test_a_broken_interpreter_is_reported(code: int | None, how: str) -> None:
    text = never_started(REQUEST, code)
    assert how in text
    assert "--python" in text


def test_which_records_have_measured_units() -> None:
    assert not has_measured_units(ProcessRecord())
    assert not has_measured_units(ProcessRecord(fits=[make.fit(declined="a strategy")]))
    assert not has_measured_units(ProcessRecord(fits=[make.fit(seen=0, first_step=Duration())]))
    assert has_measured_units(ProcessRecord(fits=[make.fit(seen=0)]))
    assert not has_measured_units(ProcessRecord(loops=[CallSiteRecord(kind="predict", site=PLACE, calls=3)]))
    assert has_measured_units(ProcessRecord(loops=[CallSiteRecord(kind="predict", site=PLACE, run=make.took(0.1, 1))]))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "my fit.py", "arguments": ("--epochs", "3")}, "--stdin 'my fit.py' --epochs 3 < answers.txt"),
        ({"target": "pkg.fit", "mode": "module", "arguments": ("a\nb",)}, "--stdin -m pkg.fit … < answers.txt"),
        ({"target": "input()\n", "mode": "code", "arguments": ()}, "--stdin -c CODE < answers.txt"),
    ],
    ids=str,
)
def test_how_to_pass_answers_names_the_script_that_was_given(given: dict[str, Any], said: str) -> None:
    text = no_verdict(ProcessRecord(ending=ENDINGS["no input"]), replace(REQUEST, **given))
    assert f"(fitdoctor diagnose {said})" in text
