from __future__ import annotations

from pathlib import Path

import pytest

from tests.children import Project


@pytest.fixture
def user(tmp_path: Path) -> Project:
    """A user's folder with scripts to run."""
    return Project(tmp_path)
