"""Notes of a run are read as far as they make sense, and put together with those of others."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fitdoctor.analysis.side_effects import side_effects
from fitdoctor.probe.processes import run_notes as written
from fitdoctor.probe.processes.run_notes import RunNotes
from fitdoctor.recording import notes
from fitdoctor.recording.model import Run, SideEffect
from fitdoctor.recording.notes import merge, read_notes, unnoted


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    assert written.SUFFIX == notes.SUFFIX
    file = RunNotes(str(tmp_path / "record.notes"))
    for _ in range(3):
        file.add("effect", kind="connection", what="127.0.0.1:80", site={"file": "/a/train.py", "line": 3})
    file.add("process", kind="started", command="worker.py", site={"file": "/a/train.py", "line": 4})
    file.add("process", kind="started", command="worker.py", fits=True, environment=["A=1"])
    read = read_notes(tmp_path / "record.notes")
    assert [(effect.kind, effect.what, effect.runs) for effect in read.effects] == [("connection", "127.0.0.1:80", 1)]
    (other,) = read.others
    assert (other.fits, other.environment, other.site and other.site.line) == (True, ["A=1"], 4)


def test_invalid_lines_are_skipped(tmp_path: Path) -> None:
    lines = [
        "",
        "{",
        "[]",
        "3",
        '{"note": "effect"}',
        '{"note": "effect", "kind": 3, "what": "x"}',
        '{"kind": "forked"}',
        "\u00ff",
    ]
    lines += [
        json.dumps({"note": "effect", "kind": "program", "what": "git"}),
        '{"note": "process", "kind": "forked", "fits": tr',
    ]
    (tmp_path / "notes").write_text("\n".join(lines))
    read = read_notes(tmp_path / "notes")
    assert ([effect.what for effect in read.effects], read.others) == (["git"], [])


def test_only_a_file_of_a_sane_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").write_text('{"note": "effect", "kind": "program", "what": "git"}\n')
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing", "."):
        assert read_notes(tmp_path / name).effects == []


def test_notes_are_bounded(tmp_path: Path) -> None:
    file = RunNotes(str(tmp_path / "notes"))
    for number in range(1000):
        file.add("effect", kind="connection", what=f"{number}." + "x" * 2000)
    assert (tmp_path / "notes").stat().st_size < written.MOST_BYTES + 1000
    known: list[SideEffect] = []
    merge(known, read_notes(tmp_path / "notes").effects)
    assert len(known) == notes.MOST_OF_A_KIND


def test_nothing_is_written_or_raised_where_there_is_no_place(tmp_path: Path) -> None:
    RunNotes(str(tmp_path / "missing" / "notes")).add("effect", kind="program", what="git")
    RunNotes(os.devnull + written.SUFFIX).add("effect", kind="program", what="git")
    assert list(tmp_path.iterdir()) == []


def test_runs_are_counted(tmp_path: Path) -> None:
    run = Run(tried_runs=3)
    tracker, git, late = (
        {"kind": kind, "what": what, "runs": 1}
        for kind, what in (("connection", "a:1"), ("program", "git"), ("program", "x"))
    )
    for effects in ([tracker, git], [tracker, git], [tracker, git, late]):
        merge(run.side_effects, [SideEffect(**effect) for effect in effects])  # type: ignore[arg-type]
    assert side_effects(run) == (
        "In each of 3 runs, the script connected to a:1 and started git.",
        "In 1 of 3 runs, the script started x.",
    )
    run.offline = True
    assert side_effects(run)[0].startswith(
        "In each of 3 runs, the script asked for a connection to a:1 and started git."
    )
    assert "refused" in side_effects(run)[-1]
    assert side_effects(Run()) == ()


def test_connections_that_python_did_not_note_are_added() -> None:
    noted = [SideEffect(kind="connection", what="tracker.example:443"), SideEffect(kind="program", what="git:5432")]
    found = unnoted(noted, ["192.0.2.7:443", "192.0.2.8:5432"])
    assert [(effect.kind, effect.what, effect.runs) for effect in found] == [("connection", "192.0.2.8:5432", 1)]
