from __future__ import annotations

from pathlib import Path

from fitdoctor.probe.patches import Patches
from fitdoctor.probe.saves import _counted, tally


def save(model: object, filepath: str) -> str:
    Path(filepath).write_bytes(b"12345")
    return "saved"


def test_each_save_is_counted_with_its_size(tmp_path: Path) -> None:
    before, patches = tally.count, Patches()
    counted = _counted(save, patches)
    assert counted(None, str(tmp_path / "model.keras")) == "saved"
    assert (tally.count, tally.last_bytes) == (before + 1, 5)
    patches.undo()
    counted(None, str(tmp_path / "other.keras"))
    assert tally.count == before + 1
