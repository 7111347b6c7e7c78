"""Calls us back after the first import of a module. It imports nothing earlier than the script does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.support import guard

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

Callback = Callable[[ModuleType], None]


class _Finder:
    """Lets the other finders find the expected modules, and wraps the loader's `exec_module`.

    It has no base class: `importlib.abc` imports a dozen modules, and a script may have files with their names.
    """

    def __init__(self, around: Callable[[str, Callable[[], None]], None]) -> None:
        self.waiting: dict[str, list[Callback]] = {}
        self._around = around

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        return guard.guarded(self._find, fullname, path, target) if fullname in self.waiting else None

    def _find(self, fullname: str, path: Any, target: ModuleType | None) -> ModuleSpec | None:
        found = None
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                found = finder.find_spec(fullname, path, target)
                if found is not None:
                    break
        if found is None or found.loader is None:
            return found
        execute = found.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            self._around(fullname, lambda: execute(module))
            # Only now: a script may just ask whether the module exists, or retry a failed import.
            for callback in self.waiting.pop(fullname, ()):
                guard.guarded(callback, module)

        found.loader.exec_module = exec_module  # type: ignore[method-assign]
        return found


class ImportHook:
    """Registers callbacks for modules.

    Args:
        around: Is called as `around(name, run)` to run the import itself, so that it can be timed.

    Example:
        >>> hook = ImportHook(lambda name, run: run())
        >>> hook.after("keras", lambda module: print(module.__version__))
    """

    def __init__(self, around: Callable[[str, Callable[[], None]], None]) -> None:
        self._finder = _Finder(around)
        sys.meta_path.insert(0, self._finder)

    def after(self, name: str, callback: Callback) -> None:
        """Calls `callback(module)` after the import, or at once if the module is imported already."""
        if name in sys.modules:
            callback(sys.modules[name])
        else:
            self._finder.waiting.setdefault(name, []).append(callback)
