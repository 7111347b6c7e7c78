from __future__ import annotations

from fitdoctor.facts.places import location, locations
from fitdoctor.facts.wording import duration, percent, plural
from fitdoctor.report.model import Location
from tests import builders as make


def test_a_keyword_on_a_line_of_its_own_is_named_itself() -> None:
    call = make.site(9, "model.compile(", run_eagerly=12, optimizer=9)
    assert location(call, "run_eagerly", True).code == "run_eagerly=True"
    assert location(call, "run_eagerly", True).line == 12
    assert location(call, "optimizer", "adam").code == "model.compile("
    assert location(call, "loss", "mse").line == 9


def test_each_line_once_in_order() -> None:
    first, second = Location(file="a.py", line=2), Location(file="a.py", line=1)
    assert locations(first, None, second, Location(file="a.py", line=2, code="x")) == (first, second)


def test_figures_read_as_a_person_says_them() -> None:
    assert [duration(s) for s in (0.0004, 0.25, 3.21, 42, 75, 120, 4210, 7200)] == [
        "0.40 ms",
        "250 ms",
        "3.2 s",
        "42 s",
        "1 min 15 s",
        "2 min",
        "1 h 10 min",
        "2 h",
    ]
    assert [percent(0), percent(0.004), percent(0.256)] == ["0 %", "under 1 %", "26 %"]
    assert [plural(1, "change"), plural(3, "change"), plural(2, "cause is", "causes are")] == [
        "1 change",
        "3 changes",
        "2 causes are",
    ]
