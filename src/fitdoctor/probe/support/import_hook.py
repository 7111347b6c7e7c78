"""Calls us back when a module was first imported, without importing anything earlier than the user's script does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.support import guard

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

Callback = Callable[[ModuleType], None]


class _Finder:  # of no base: `importlib.abc` brings a dozen modules that a script may have files of the same names for
    """Finds nothing itself:

    it lets the others find, and wraps the loader's `exec_module` of the modules that we wait for.
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
            # Not before: a script may only ask whether the module exists, or try again after an import that failed.
            for callback in self.waiting.pop(fullname, ()):
                guard.guarded(callback, module)

        found.loader.exec_module = exec_module  # type: ignore[method-assign]
        return found


class ImportHook:
    """Registers callbacks for modules; `around(name, run)` runs the import itself, so that it can be timed.

    Example:
        >>> hook = ImportHook(lambda name, run: run())
        >>> hook.after("keras", lambda module: print(module.__version__))
    """

    def __init__(self, around: Callable[[str, Callable[[], None]], None]) -> None:
        self._finder = _Finder(around)
        sys.meta_path.insert(0, self._finder)

    def after(self, name: str, callback: Callback) -> None:
        """Calls `callback(module)` once the module was executed; at once where it is loaded already."""
        if name in sys.modules:
            callback(sys.modules[name])
        else:
            self._finder.waiting.setdefault(name, []).append(callback)
