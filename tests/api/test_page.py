"""The page about the API shows the example that is there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "in-code.md").read_text(encoding="utf-8")
    example = (ROOT / "examples" / "in_code.py").read_text(encoding="utf-8").strip()
    assert f"```python\n{example}\n```" in page
