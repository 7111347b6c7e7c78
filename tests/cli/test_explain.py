from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
from click.testing import Result

from fitdoctor.cli.explain import _page
from fitdoctor.cli.look import Look

Call = Callable[..., Result]

PAGE = "# missing-prefetch\n\nBatches are made only when the step asks.\n\n## Use instead\n\n```python\nds.prefetch(2)\n```\n"


@dataclass
class FakeCause:
    id: str
    family: str
    title: str
    page: str = PAGE


@pytest.fixture(autouse=True)
def causes(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [
        FakeCause("missing-prefetch", "input", "batches are made only when the step asks for them"),
        FakeCause("eager-execution", "host", "every operation of a step runs from Python " + "at length " * 9),
    ]
    module = ModuleType("fitdoctor.causes.registry")
    module.all_causes = lambda: {cause.id: cause for cause in known}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fitdoctor.causes.registry", module)


def test_all_causes_are_listed_by_family(call: Call) -> None:
    result = call("explain")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "  host"
    assert lines[1].startswith("    eager-execution   every operation")
    assert lines.index("  input") > 1
    assert max(map(len, lines)) <= 80


def test_a_page_is_markdown_when_piped(call: Call) -> None:
    assert call("explain", "missing-prefetch").stdout == PAGE


def test_a_stream_that_knows_only_ascii_gets_only_ascii() -> None:
    assert _page("2.9× – 日\n\nNext", Look(ascii_only=True)) == "2.9x - ?\n\nNext\n"


def test_a_page_is_drawn_on_a_terminal() -> None:
    drawn = _page(PAGE, Look(width=80, color=True))
    assert "\x1b[" in drawn
    assert "##" not in drawn


@pytest.mark.parametrize(
    ("given", "words"),
    [("missing_prefetch", "Did you mean missing-prefetch?"), ("eager", "Did you mean eager-execution?"), ("zzz", "lists them")],
)
def test_a_wrong_id_suggests_near_ones(call: Call, given: str, words: str) -> None:
    result = call("explain", given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
