"""Reads the results file, and makes the environment of a backend."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def rows(results: Path) -> list[dict[str, Any]]:
    """Returns the latest result of each case and script."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in results.read_text().splitlines():
        row = json.loads(line)
        found[row["part"], row["backend"], row["name"]] = row
    return list(found.values())


def environment(backend: str) -> dict[str, str]:
    """Returns the environment of a process that trains on a backend."""
    chosen = {} if backend == "tf_keras" else {"KERAS_BACKEND": backend}
    return {
        **os.environ,
        **chosen,
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": str(int(not chosen)),
    }
