"""The script and the user's imported modules are hashed."""

from __future__ import annotations

from tests.support.projects import Project


def test_the_script_and_its_own_modules_are_hashed(user: Project) -> None:
    user.write(data="x = 1", unused="y = 2", train="import data, json\nprint(data.x)")
    user.launch("train.py")
    first = user.record().sources
    assert sorted(path.rpartition("/")[2] for path in first) == ["data.py", "train.py"]
    assert user.launch("train.py").returncode == 0
    assert user.record().sources == first
    user.write(data="x = 3")
    user.launch("train.py")
    assert {path.rpartition("/")[2] for path, digest in user.record().sources.items() if first[path] != digest} == {
        "data.py"
    }


def test_code_without_a_file_has_no_hash(user: Project) -> None:
    user.launch("print(1)", mode="code")
    assert user.record().sources == {}
