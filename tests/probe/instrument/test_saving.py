from __future__ import annotations

from pathlib import Path

from fitdoctor.probe.instrument.saving import _counted, _size, totals
from fitdoctor.probe.support.patches import Patches


def save(model: object, filepath: str) -> str:
    Path(filepath).write_bytes(b"12345")
    return "saved"


def test_each_save_is_counted_with_its_size(tmp_path: Path) -> None:
    before, patches = totals.count, Patches()
    counted = _counted(save, patches)
    assert counted(None, str(tmp_path / "model.keras")) == "saved"
    assert (totals.count, totals.last_bytes) == (before + 1, 5)
    patches.undo()
    counted(None, str(tmp_path / "other.keras"))
    assert totals.count == before + 1


def test_the_size_of_a_folder_or_checkpoint_is_that_of_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "saved" / "variables").mkdir(parents=True)
    for name in ("saved/model.pb", "saved/variables/data", "w.index", "w.data-00000-of-00001", "ww.index"):
        (tmp_path / name).write_bytes(b"123")
    assert _size(str(tmp_path / "saved")) == 6
    assert _size(tmp_path / "w") == 6
    assert _size(None) == 0
