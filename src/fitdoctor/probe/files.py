"""Keeps the user's files as they are while a child repeats the script.

Keras' own saving goes to a scratch folder that reads through to the real one. Anything else that would overwrite or delete a file
that was there before the diagnosis began ends the child, through an audit hook: Python-level writes only, C libraries are not seen.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import pathlib
import shutil
import stat
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fitdoctor.probe.patches import Patches

WRITES = os.O_WRONLY | os.O_RDWR
FREE_FOLDERS = ("/dev/", "/proc/", "/sys/")
CACHE_PARTS = ("__pycache__", ".cache")
SAVING_MODULES = ("saving", "models", "src.saving.saving_api", "src.saving", "src.models.model")
"""Of Keras: where its functions that save and load can be found."""
CALLBACK_PATHS = {"TensorBoard": "log_dir", "CSVLogger": "filename", "BackupAndRestore": "backup_dir", "ModelCheckpoint": "filepath"}


class Guard:
    """Ends the child before one of the user's files is overwritten or deleted.

    Args:
        began_s: When the diagnosis began (`time.time`). A file whose inode changed since then is one that the script made itself.
        scratch: Where writing is always free.
        blocked: Called with the path; expected not to return.
    """

    def __init__(self, *, began_s: float, scratch: str, blocked: Callable[[str, str], None]) -> None:
        self._began_s = began_s
        self._scratch = os.path.abspath(scratch) + os.sep
        self._blocked = blocked
        self._process = os.getpid()
        self._thread = threading.local()
        self._appended: set[str] = set()

    def install(self) -> None:
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHECKS or getattr(self._thread, "checking", False):
            return
        self._thread.checking = True
        try:
            for path in _CHECKS[event](arguments, self._note_appended):
                if self._protected(path):
                    if os.getpid() != self._process:
                        raise PermissionError(f"fitdoctor: {path} was there before; pass --allow-writes to let the script change it.")
                    self._blocked(path, event)
        finally:
            self._thread.checking = False

    def _note_appended(self, path: str) -> None:
        """What is appended to a file of the user's makes it look like one of the script's own."""
        if self._protected(path):
            self._appended.add(os.path.abspath(path))

    def _protected(self, path: str) -> bool:
        full = os.path.abspath(path)
        if full.startswith((self._scratch, *FREE_FOLDERS)) or any(part in CACHE_PARTS for part in full.split(os.sep)):
            return False
        try:
            found = os.stat(full)
        except OSError:
            return False
        if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
            return False
        return found.st_ctime < self._began_s or full in self._appended


def _path_of(value: Any, folder: Any = None) -> str | None:
    if isinstance(value, int):
        return None
    try:
        path = os.fsdecode(value)
    except TypeError:
        return None
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(path):
        try:
            path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
        except OSError:
            return None
    return path


def _opened(arguments: tuple[Any, ...], note_appended: Callable[[str], None]) -> list[str]:
    path, mode, flags = _path_of(arguments[0]), arguments[1], arguments[2]
    if path is None:
        return []
    flags = flags if isinstance(flags, int) else 0
    if isinstance(mode, str) and "a" in mode or flags & os.O_APPEND:
        note_appended(path)
        return []
    if isinstance(mode, str):
        return [path] if "w" in mode or "+" in mode else []
    return [path] if flags & WRITES else []


def _removed(arguments: tuple[Any, ...], note_appended: Callable[[str], None]) -> list[str]:
    path = _path_of(arguments[0], arguments[1] if len(arguments) > 1 else None)
    return [path] if path else []


def _truncated(arguments: tuple[Any, ...], note_appended: Callable[[str], None]) -> list[str]:
    path = _path_of(arguments[0])
    return [path] if path else []


def _renamed(arguments: tuple[Any, ...], note_appended: Callable[[str], None]) -> list[str]:
    folders = [arguments[i] if len(arguments) > i else None for i in (2, 3)]
    return [path for path in map(_path_of, arguments[:2], folders) if path]


_CHECKS: dict[str, Callable[[tuple[Any, ...], Callable[[str], None]], list[str]]] = {
    "open": _opened,
    "os.remove": _removed,
    "os.truncate": _truncated,
    "os.rename": _renamed,
}


class Redirect:
    """Sends Keras' saving and its callbacks' files to a scratch folder, and reads from there first.

    Args:
        scratch: The folder; made when first needed.
        redirected: Gets each real path that was not written to.
    """

    def __init__(self, scratch: str, redirected: list[str]) -> None:
        self._scratch = os.path.abspath(scratch)
        self._redirected = redirected

    def written(self, path: Any) -> Any:
        """Where to write instead of `path`. Remote paths become local ones too."""
        try:
            real = os.fsdecode(path)
        except TypeError:
            return path
        full = _full(real)
        if full.startswith(self._scratch + os.sep):
            return path
        aside = self._aside(full)
        os.makedirs(os.path.dirname(aside), exist_ok=True)
        if full not in self._redirected and len(self._redirected) < 100:
            self._redirected.append(full)
        return pathlib.Path(aside) if isinstance(path, os.PathLike) else aside

    def read(self, path: Any) -> Any:
        """Where to read `path` from: the scratch folder where it was written there, the real place otherwise."""
        try:
            aside = self._aside(_full(os.fsdecode(path)))
        except TypeError:
            return path
        return aside if os.path.exists(aside) or os.path.exists(f"{aside}.index") else path  # the latter: TensorFlow's checkpoints

    def _aside(self, full: str) -> str:
        return os.path.join(self._scratch, full.replace("://", "/").lstrip("/"))

    def install(self, keras: ModuleType) -> Patches:
        """Replaces Keras' saving and loading functions and the path arguments of its callbacks, until the result undoes it."""
        patches = Patches()
        api = importlib.import_module(f"{keras.__name__}.src.saving.saving_api")
        for name, mapped in (
            ("save_model", self.written),
            ("save_weights", self.written),
            ("load_model", self.read),
            ("load_weights", self.read),
        ):
            original = getattr(api, name, None)
            if original is not None:
                replacement = _with_path(original, mapped, position=1 if name != "load_model" else 0)
                self._replace(patches, keras.__name__, original, replacement)
        _wrap_method(patches, keras.Model, "export", self.written, 1)
        if keras.__name__ == "tf_keras":  # its weights go into TensorFlow's checkpoints, of which there is a latest in a folder
            patches.put_call(sys.modules["tensorflow"], "tf.train.latest_checkpoint", self._reading)
        for name, argument in CALLBACK_PATHS.items():
            cls = getattr(keras.callbacks, name, None)
            if cls is not None:
                _wrap_constructor(patches, cls, argument, self.backed_up if name == "BackupAndRestore" else self.written)
        return patches

    def _reading(self, latest: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(latest)
        def wrapper(checkpoint_dir: Any, *arguments: Any, **keywords: Any) -> Any:
            return latest(self.read(checkpoint_dir), *arguments, **keywords)

        return wrapper

    def backed_up(self, path: Any) -> Any:
        """A backup is read as well as written, file by file, so the scratch folder begins as a copy of it."""
        aside = self.written(path)
        real = os.path.abspath(os.path.expanduser(os.fsdecode(path)))
        if os.path.isdir(real) and not os.path.exists(aside):
            shutil.copytree(real, aside)
        return aside

    @staticmethod
    def _replace(patches: Patches, package: str, original: Any, replacement: Any) -> None:
        for module_name in SAVING_MODULES:
            module = sys.modules.get(f"{package}.{module_name}")
            for name, value in list(vars(module).items()) if module else []:
                if value is original:
                    patches.put(module, name, replacement)


def _full(path: str) -> str:
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def _with_path(function: Callable[..., Any], mapped: Callable[[Any], Any], *, position: int) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        if "filepath" in keywords:
            keywords["filepath"] = mapped(keywords["filepath"])
        elif len(arguments) > position:
            arguments = (*arguments[:position], mapped(arguments[position]), *arguments[position + 1 :])
        return function(*arguments, **keywords)

    return wrapper


def _wrap_method(patches: Patches, cls: type, name: str, mapped: Callable[[Any], Any], position: int) -> None:
    original = vars(cls).get(name)
    if original is not None:
        patches.put(cls, name, _with_path(original, mapped, position=position))


def _wrap_constructor(patches: Patches, cls: type, argument: str, mapped: Callable[[Any], Any]) -> None:
    original = cls.__init__  # type: ignore[misc]
    default = inspect.signature(original).parameters[argument].default

    @functools.wraps(original)
    def wrapper(self: Any, *arguments: Any, **keywords: Any) -> None:
        if argument in keywords:
            keywords[argument] = mapped(keywords[argument])
        elif arguments:
            arguments = (mapped(arguments[0]), *arguments[1:])
        elif isinstance(default, str):
            keywords[argument] = mapped(default)
        original(self, *arguments, **keywords)

    patches.put(cls, "__init__", wrapper)
