from __future__ import annotations

from fitdoctor.facts.locations import location, locations
from fitdoctor.report.model import Location
from tests.support import builders as make


def test_a_keyword_on_its_own_line_has_a_location() -> None:
    call = make.site(9, "model.compile(", run_eagerly=12, optimizer=9)
    assert location(call, "run_eagerly", True).code == "run_eagerly=True"
    assert location(call, "run_eagerly", True).line == 12
    assert location(call, "optimizer", "adam").code == "model.compile("
    assert location(call, "loss", "mse").line == 9


def test_locations_keep_each_line_once_in_order() -> None:
    first, second = Location(file="a.py", line=2), Location(file="a.py", line=1)
    assert locations(first, None, second, Location(file="a.py", line=2, code="x")) == (first, second)
