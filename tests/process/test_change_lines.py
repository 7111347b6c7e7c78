"""The list of what a script changed on disk: losses first, many files of one folder in one line, nothing of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitdoctor.process import change_lines
from fitdoctor.process.change_lines import not_ours, sentences


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_losses_come_first_and_many_files_of_a_folder_are_one_line(here: Path) -> None:
    found = [("new", f"{here}/many/{number:03}.txt") for number in range(300)]
    found += [("changed", f"{here}/zz_data.csv"), ("deleted", f"{here}/results"), ("new", f"{here}/a.txt")]
    assert sentences(found) == ["deleted: results", "changed: zz_data.csv", "new: a.txt", "new: many/ (300 files)"]


def test_a_sum_does_not_read_as_the_loss_of_the_folder(here: Path) -> None:
    found = [(kind, f"{here}/data/{number}") for number in range(11) for kind in ("deleted", "changed")]
    assert sentences(found) == ["deleted: data/ (11 of its files and folders)", "changed: data/ (11 of its files)"]


def test_many_folders_of_few_files_are_one_line(here: Path) -> None:
    found = [("new", f"{here}/runs/{number}/{name}.txt") for number in range(20) for name in "abc"]
    assert sentences(found) == ["new: runs/ (60 files)"]


def test_the_current_folder_and_those_above_are_never_summed_up(here: Path) -> None:
    found = [("changed", f"{folder}/{number:02}.txt") for folder in (here, here.parent) for number in range(11)]
    assert len(sentences(found)) == 22


def test_what_lay_in_a_folder_that_is_gone_is_gone_with_it(here: Path) -> None:
    assert sentences([("deleted", f"{here}/results"), ("deleted", f"{here}/results/a/b.txt")]) == ["deleted: results"]


def test_what_is_left_out_is_said_of_each_kind(here: Path) -> None:
    count = change_lines.MOST_LINES + 7
    lines = sentences(
        [(kind, f"{here}/{number}") for kind in ("new", "deleted") for number in range(count)],
        {"new": 5_000, "changed": 1},
    )
    assert len(lines) == 2 * change_lines.MOST_LINES + 3
    assert [line for line in lines if line.startswith("and ")] == [
        "and 7 more deleted",
        "and 1 more changed",
        "and 5,007 more new",
    ]


def test_any_depth(here: Path) -> None:
    path = f"{here}/" + "a/" * 1_900
    assert sentences([("new", path)]) == [f"new: {path.removeprefix(f'{here}/')}"]


def test_nothing_of_ours(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITDOCTOR_DIR", str(here / "kept"))
    run = here / "elsewhere" / "run"
    ours = [
        here / ".fitdoctor",
        here / ".fitdoctor" / "x" / "run.json",
        run,
        run / "log.txt",
        here / "kept" / "20260317-101502-train" / "x",
    ]
    theirs = [here / ".fitdoctor.txt", here / "kept" / "model.keras", here / "elsewhere" / "run.txt"]
    assert [path for _, path in not_ours([("deleted", str(path)) for path in ours + theirs], str(run))] == list(
        map(str, theirs)
    )
