"""Where libraries keep what they download and compile."""

from __future__ import annotations

from pathlib import Path

from fitdoctor.process.child import caches


def test_caches_of_a_home_folder() -> None:
    found = caches({"HOME": "/home/ann"})
    assert Path("/home/ann/.cache") in found
    assert Path("/home/ann/.keras") in found


def test_caches_that_variables_name() -> None:
    found = caches({"HOME": "/home/ann", "HF_HOME": "/data/hub", "KERAS_HOME": "here", "TORCH_HOME": ""})
    assert Path("/data/hub") in found
    assert Path("here") not in found
    assert all(path.is_absolute() for path in found)


def test_a_home_that_is_not_told_is_found() -> None:
    assert all(path.is_absolute() for path in caches({}))
