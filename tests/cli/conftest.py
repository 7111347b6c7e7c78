"""A project to stand in, and a session that diagnoses nothing but notes what it was asked."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from fitdoctor.cli.main import main
from fitdoctor.diagnosis.progress import Progress
from fitdoctor.process.request import DiagnoseRequest
from fitdoctor.recording.save import save_run
from fitdoctor.report.model import Report
from tests.support.recorded_runs import full_run
from tests.support.report_samples import FIRST_ANSWER, SLOW


@dataclass
class FakeSession:
    """Stands in for `diagnosis.session`. `does` is called before the report is given, and may raise."""

    report: Report = SLOW
    requests: list[DiagnoseRequest] = field(default_factory=list)
    does: Callable[[DiagnoseRequest, Progress], None] = lambda request, progress: None

    def diagnose_script(self, request: DiagnoseRequest, progress: Progress) -> Report:
        self.requests.append(request)
        progress.stage("learning what train.py does")
        save_run(full_run(), request.folder.run_file)
        progress.first_answer(FIRST_ANSWER)
        progress.trial("prefetch on the step of train.py:47", 30.0, request.budget_s, "1.08× with prefetch")
        self.does(request, progress)
        return self.report


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text("import sys\nprint(sys.argv)\n")
    return folder


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    fake = FakeSession()
    module = ModuleType("fitdoctor.diagnosis.session")
    module.diagnose_script = fake.diagnose_script  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fitdoctor.diagnosis.session", module)
    return fake


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Puts a builder in place that gives a fixed report, and lists the stages it was called with."""
    stages: list[str] = []

    def build(run: object, *, stage: str = "final") -> Report:
        stages.append(stage)
        return SLOW

    module = ModuleType("fitdoctor.analysis")
    module.build = build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fitdoctor.analysis", module)
    return stages


@pytest.fixture
def call() -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), prog_name="fitdoctor")

    return run
