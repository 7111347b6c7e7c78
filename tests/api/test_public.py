"""What `import fitdoctor` gives, and how a report shows itself. Needs no framework."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fitdoctor
from fitdoctor.report.json import to_json
from tests.support import report_samples as samples

HEAVY = ("click", "keras", "msgspec", "numpy", "rich", "scipy", "tensorflow")


def test_the_import_loads_nothing_heavy() -> None:
    code = f"import sys, fitdoctor; print([name for name in {HEAVY} if name in sys.modules], fitdoctor.__all__)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[] ['Doctor', '__version__', 'diagnose', 'load_report', 'watch']\n"


def test_a_report_shows_itself(tmp_path: Path) -> None:
    report = samples.SLOW
    assert str(report) == repr(report)
    assert str(report).strip("\n") == str(report)
    assert report.causes[0].id in str(report)
    assert "\x1b" not in str(report)
    html = report._repr_html_()
    assert html.startswith("<pre>")
    assert report.causes[0].id in html

    saved = tmp_path / "report.json"
    saved.write_text(to_json(report), encoding="utf-8")
    assert fitdoctor.load_report(tmp_path) == fitdoctor.load_report(saved) == report
