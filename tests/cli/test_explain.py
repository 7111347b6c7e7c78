from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
from click.testing import Result

from fitdoctor.cli.explain import _page
from fitdoctor.cli.terminal import OutputStyle

Call = Callable[..., Result]

PAGE = """\
# missing-prefetch: Batches are late

Batches are made only when `fit` asks, so that the step and the input take turns instead of running
side by side.

## Use instead

```python
ds.prefetch(2)  # `two`
```
* [A guide](https://example.org/a)
"""
PLAIN = """\
missing-prefetch

Batches are made only when fit asks, so that the step and the input take turns
instead of running side by side.

Use instead

    ds.prefetch(2)  # `two`
* A guide: https://example.org/a
"""


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


def test_a_page_is_plain_text_when_piped(call: Call) -> None:
    assert call("explain", "missing-prefetch").stdout == PLAIN


@pytest.mark.parametrize("color", [True, False])
def test_the_title_of_a_page_is_shown_once(color: bool) -> None:
    assert "late" not in _page(PAGE, OutputStyle(color=color))


def test_a_stream_that_knows_only_ascii_gets_only_ascii() -> None:
    assert _page("2.9× – 日\n\nNext", OutputStyle(ascii_only=True)) == "2.9x - ?\n\nNext\n"


def test_a_page_is_drawn_on_a_terminal() -> None:
    drawn = _page(PAGE, OutputStyle(width=80, color=True))
    assert "\x1b[" in drawn
    assert "##" not in drawn


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("missing_prefetch", "Did you mean missing-prefetch?"),
        ("eager", "Did you mean eager-execution?"),
        ("zzz", "lists them"),
    ],
)
def test_a_wrong_id_suggests_near_ones(call: Call, given: str, words: str) -> None:
    result = call("explain", given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
