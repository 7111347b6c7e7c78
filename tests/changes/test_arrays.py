from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fitdoctor.changes import arrays


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


def test_what_makes_no_array_is_refused() -> None:
    ragged = np.empty(2, dtype=object)
    ragged[0], ragged[1] = np.ones(3), np.zeros(2)
    with pytest.raises(ValueError, match="differ in shape"):
        arrays.plain(ragged)
    with pytest.raises(ValueError, match="are objects"):
        arrays.plain(np.array([{}, {}], dtype=object))


def test_a_sparse_matrix_becomes_dense() -> None:
    from scipy.sparse import csr_matrix

    assert arrays.plain(csr_matrix(np.eye(3))).tolist() == np.eye(3).tolist()


def test_an_array_that_is_one_already_is_not_copied() -> None:
    given = np.ones(3)
    assert arrays.converted(given, {}) is given
