"""What the results file holds, and the environment of a backend."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def rows(results: Path) -> list[dict[str, Any]]:
    """What was found so far, the last word on each thing."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in results.read_text().splitlines():
        row = json.loads(line)
        found[row["part"], row["backend"], row["name"]] = row
    return list(found.values())


def environment(backend: str) -> dict[str, str]:
    """What a process is started with to train on that backend."""
    chosen = {} if backend == "tf_keras" else {"KERAS_BACKEND": backend}
    return {
        **os.environ,
        **chosen,
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": str(int(not chosen)),
    }
