"""What a report says of the user's files."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fitdoctor.process.change_lines import sentences
from fitdoctor.report.text import render
from fitdoctor.report.text_files import shortened
from tests.support.report_samples import SLOW


def shown(**changed: object) -> str:
    return " ".join(render(replace(SLOW, **changed)).split())  # type: ignore[arg-type]


def test_under_a_layer_the_files_are_as_they_were() -> None:
    text = shown(protection="layer", changed_files=())
    assert (
        "Files · Your files are as they were. All that the script wrote went to a scratch layer, which is gone." in text
    )
    assert "would have changed" not in text


def test_under_a_layer_what_would_have_changed_is_listed() -> None:
    text = shown(protection="layer", changed_files=("new: model.keras", "deleted: old.keras"))
    assert (
        "What your script would have changed on disk · deleted: old.keras · new: model.keras "
        "· Your files are as they were." in text
    )


def test_under_a_guard_the_report_names_its_limits() -> None:
    text = shown(
        protection="guard", protection_note="this system allows no namespace", changed_files=("new: model.keras",)
    )
    assert "Changed on disk while your script was tried · new: model.keras" in text
    assert "There was no scratch layer: this system allows no namespace. Files were guarded in Python only" in text


def test_an_old_run_without_protection_says_nothing_of_it() -> None:
    assert "scratch layer" not in shown(changed_files=("new: model.keras",))


@pytest.mark.parametrize(
    ("count", "more"), [(10, ""), (11, "1"), (12, "2"), (50, "40"), (51, "41"), (300, "290"), (6000, "5,990")]
)
def test_unlisted_files_are_counted(count: int, more: str) -> None:
    text = shown(changed_files=tuple(sentences([("new", f"{number}.png") for number in range(count)])))
    assert text.count(".png") == 10
    assert re.findall(r"and (\S+) more", text) == ([more] if more else [])


def test_each_kind_of_change_has_its_own_limit() -> None:
    lines = [f"deleted: {number}" for number in range(12)] + [
        "deleted: data/ (300 of its files and folders)",
        "changed: a",
    ]
    lines += [f"new: {number}" for number in range(12)] + ["and 1,000 more new"]
    shown_lines = shortened(lines)
    assert [line.partition(":")[0] for line in shown_lines] == ["deleted"] * 10 + ["changed"] + ["new"] * 10 + [
        shown_lines[-1]
    ]
    assert shown_lines[-1] == "and 302 more deleted, 1,002 more new"


def test_a_list_of_an_earlier_version_is_shortened() -> None:
    assert shortened([*(f"new: {number}" for number in range(10)), "and 5990 more"])[-1] == "and 5,990 more"


def test_without_changes_the_heading_is_files() -> None:
    text = shown(protection="guard", changed_files=())
    assert "Files · There was no scratch layer. Files were guarded" in text
    assert "Changed on disk" not in text


@pytest.mark.parametrize("width", [40, 80])
def test_a_long_path_stays_whole(width: int) -> None:
    path = "/data/" + "a-long-name/" * 12 + "model.keras"
    lines = render(replace(SLOW, protection="layer", changed_files=(f"new: {path}",)), width=width).splitlines()
    assert [line.strip() for line in lines if path in line] == [path]
