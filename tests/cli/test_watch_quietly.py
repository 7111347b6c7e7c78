"""`fitdoctor watch -q` says nothing of where a run is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from fitdoctor.recording.folder import RunFolder
from fitdoctor.watching import session


@pytest.mark.parametrize(("options", "said"), [([], True), (["-q"], False)])
def test_the_place_is_named_unless_it_is_to_be_quiet(
    call: Callable[..., Result], project: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: bool
) -> None:
    monkeypatch.setattr(
        "fitdoctor.recording.folder.create", lambda _name: RunFolder(path=project, note="Kept elsewhere.")
    )
    monkeypatch.setattr(session, "watch", lambda _request: session.Watched(code=3, wall_s=1.0))
    result = call("watch", *options, "train.py")
    assert (result.exit_code, "Kept elsewhere." in result.stderr) == (3, said)
