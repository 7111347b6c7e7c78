from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitdoctor.probe.inputs import containers


def recorded(x: Any, y: Any = None) -> list[tuple[object, ...]]:
    found = containers.arrays({"x": x, "y": y, "sample_weight": None}, "arrays")
    return [(part.name, part.container, part.dtype, part.shape, part.bytes) for part in found]


def test_each_array_is_named_by_its_path() -> None:
    x = {"b": np.zeros((4, 2)), "a": np.zeros((4,), np.int32)}
    assert recorded(x, [1, 0, 1, 0]) == [
        ("x['a']", "numpy.ndarray", "int32", [4], 16),
        ("x['b']", "numpy.ndarray", "float64", [4, 2], 64),
        ("y", "list", "", [4], 0),
    ]


def test_containers_keep_their_names(tmp_path: Path) -> None:
    pandas, h5py = pytest.importorskip("pandas"), pytest.importorskip("h5py")
    table = pandas.DataFrame({"a": [1.0], "b": ["x"]})
    assert recorded(table) == [("x", "pandas.DataFrame", "object", [1, 2], 16)]
    assert recorded(table[["a"]]) == [("x", "pandas.DataFrame", "float64", [1, 1], 8)]
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        assert recorded(file.create_dataset("x", data=np.zeros((2, 3), "float32"))) == [
            ("x", "h5py.Dataset", "float32", [2, 3], 24)
        ]


def test_the_containers_of_a_pydataset_are_found() -> None:
    class Rows:
        def __init__(self) -> None:
            self.x, self.size = np.memmap.__new__(np.memmap, "/dev/zero", dtype="uint8", mode="r", shape=(4,)), 3

    (part,) = containers.arrays({"x": Rows()}, "pydataset")
    assert (part.name, part.container) == ("x.x", "numpy.memmap")


def test_a_pydataset_that_reads_a_file(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")

    class Rows:
        def __init__(self, file: object) -> None:
            self.file = file

    with h5py.File(tmp_path / "rows.h5", "w") as file:
        (part,) = containers.arrays({"x": Rows(file)}, "pydataset")
    assert (part.name, part.container, part.bytes) == ("x.file", "h5py.File", 0)
