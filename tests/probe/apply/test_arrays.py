from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitdoctor.probe.apply import arrays


def test_a_nest_of_containers(tmp_path: Path) -> None:
    stored = tmp_path / "x.npy"
    np.save(stored, np.arange(6.0).reshape(3, 2))
    mapped = np.load(stored, mmap_mode="r")
    made = arrays.converted(({"a": mapped, "b": [1, 2, 3]}, None), {"float64": "float32"})
    assert made[1] is None
    assert type(made[0]["a"]) is np.ndarray
    assert made[0]["a"].dtype == np.float32
    assert made[0]["b"].tolist() == [1, 2, 3]


def test_rows_that_are_objects_become_one_array() -> None:
    rows = np.empty(2, dtype=object)
    rows[0], rows[1] = np.ones(3), np.zeros(3)
    assert arrays.plain(rows).shape == (2, 3)


def test_data_that_makes_no_array_is_refused() -> None:
    ragged = np.empty(2, dtype=object)
    ragged[0], ragged[1] = np.ones(3), np.zeros(2)
    with pytest.raises(ValueError, match="differ in shape"):
        arrays.plain(ragged)
    with pytest.raises(ValueError, match="are objects"):
        arrays.plain(np.array([{}, {}], dtype=object))


def test_a_sparse_matrix_becomes_dense() -> None:
    from scipy.sparse import csr_matrix

    assert arrays.plain(csr_matrix(np.eye(3))).tolist() == np.eye(3).tolist()


def test_an_array_is_not_copied() -> None:
    given = np.ones(3)
    assert arrays.converted(given, {}) is given


def test_a_file_of_named_arrays_becomes_a_dict_of_them() -> None:
    class Stored(Mapping[str, "np.ndarray[Any, Any]"]):
        def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
            return np.full(2, ord(name))

        def __iter__(self) -> Iterator[str]:
            return iter("xy")

        def __len__(self) -> int:
            return 2

    made = arrays.converted(Stored(), {"int64": "int32"})
    assert type(made) is dict
    assert made["y"].tolist() == [121, 121]
    assert made["x"].dtype == np.int32
