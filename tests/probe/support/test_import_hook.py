from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fitdoctor.probe.support.import_hook import ImportHook

NAMES = ("library_a", "library_b", "library_fails")


@pytest.fixture
def seen() -> list[str]:
    return []


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: list[str]) -> Iterator[ImportHook]:
    (tmp_path / "library_a.py").write_text("import library_b\nvalue = 1\n")
    (tmp_path / "library_b").mkdir()
    (tmp_path / "library_b" / "__init__.py").write_text("from . import part\n")
    (tmp_path / "library_b" / "part.py").write_text("")
    (tmp_path / "library_fails.py").write_text(
        "import pathlib\nif not pathlib.Path(__file__).with_name('ready').exists(): raise ImportError('no')"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))

    def around(name: str, run: Callable[[], None]) -> None:
        seen.append(f"{name} begins")
        try:
            run()
        finally:
            seen.append(f"{name} ends")

    yield ImportHook(around)
    for name in [name for name in sys.modules if name.startswith(NAMES)]:
        del sys.modules[name]


def note(seen: list[str], text: str) -> Callable[[ModuleType], None]:
    return lambda module: seen.append(f"{text} {module.__name__}")


def test_callbacks_come_after_a_module_and_its_imports(hook: ImportHook, seen: list[str]) -> None:
    hook.after("library_a", note(seen, "one"))
    hook.after("library_a", note(seen, "two"))
    hook.after("library_b", note(seen, "one"))
    module = importlib.import_module("library_a")
    assert module.value == 1
    assert seen == [
        "library_a begins",
        "library_b begins",
        "library_b ends",
        "one library_b",
        "library_a ends",
        "one library_a",
        "two library_a",
    ]


def test_callbacks_come_once(hook: ImportHook, seen: list[str]) -> None:
    hook.after("library_b", note(seen, "one"))
    module = importlib.import_module("library_b")
    importlib.reload(module)
    assert seen.count("one library_b") == 1


def test_a_module_that_is_imported_already(hook: ImportHook, seen: list[str]) -> None:
    importlib.import_module("library_b")
    hook.after("library_b", note(seen, "at once"))
    assert seen == ["at once library_b"]


def test_a_submodule(hook: ImportHook, seen: list[str]) -> None:
    hook.after("library_b.part", note(seen, "one"))
    importlib.import_module("library_a")
    assert seen == ["library_b.part begins", "library_b.part ends", "one library_b.part"]


def test_asking_whether_a_module_exists_is_no_import(hook: ImportHook, seen: list[str]) -> None:
    hook.after("library_b", note(seen, "one"))
    assert importlib.util.find_spec("library_b") is not None
    assert seen == []
    importlib.import_module("library_b")
    assert "one library_b" in seen


def test_a_failed_import_may_be_retried(hook: ImportHook, seen: list[str], tmp_path: Path) -> None:
    hook.after("library_fails", note(seen, "one"))
    with pytest.raises(ImportError, match="no"):
        importlib.import_module("library_fails")
    assert "one library_fails" not in seen
    (tmp_path / "ready").touch()
    importlib.import_module("library_fails")
    assert "one library_fails" in seen


def test_a_module_that_does_not_exist(hook: ImportHook, seen: list[str]) -> None:
    hook.after("library_none", note(seen, "one"))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("library_none")
    assert seen == []
