"""Redirects Keras' saving to a scratch folder, and reads from there first.

All files that Keras saves go there, new ones too: files of a shortened run are useless. `redirected_libraries.py` does
the same for the libraries beneath Keras, `private_copies.py` for files that Python opens.
"""

from __future__ import annotations

import functools
import inspect
import os
import pathlib
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from fitdoctor.probe.files.made_files import unguarded
from fitdoctor.probe.files.paths import is_remote
from fitdoctor.probe.support.patches import Patches

CALLBACK_PATHS = {
    "TensorBoard": "log_dir",
    "CSVLogger": "filename",
    "BackupAndRestore": "backup_dir",
    "ModelCheckpoint": "filepath",
    "OrbaxCheckpoint": "directory",
}
# Callbacks that continue from the content of their folder.
READ_TOO = ("BackupAndRestore", "OrbaxCheckpoint")
MOST_SHOWN = 100
MOST_NAMES = 100_000
SHARD = re.compile(r"\.data-\d{5}-of-\d{5}$")
# Larger files with variables of TensorFlow's checkpoints are linked, not copied: they are never written in place.
LARGE_BYTES = 16 << 20


class Redirect:
    """Redirects the files of Keras' saving and callbacks to a scratch folder, and reads from there first.

    Args:
        scratch: The folder. It is made when needed.
        redirected: Receives each real path whose writes are redirected.
        remote_only: Whether to redirect only addresses such as gs://bucket, because a layer of the file system protects
            all files.

    Attributes:
        names: The names of all redirected files and folders. Paths without any of them need no further check.
    """

    def __init__(self, scratch: str, redirected: list[str], *, remote_only: bool = False) -> None:
        self._scratch = os.path.abspath(scratch)
        self._inside = (os.path.join(self._scratch, ""), os.path.join(os.path.realpath(scratch), ""))
        self._redirected = redirected
        self._remote_only = remote_only
        self.names: set[str] = set()

    def writing_path(self, path: Any) -> Any:
        """Returns the path to write instead of `path`. Remote addresses become local paths too."""
        try:
            given = os.fsdecode(path)
        except TypeError:
            return path
        if not given or (self._remote_only and not is_remote(given)):
            return path
        with unguarded:
            full = _full(given)
            if full.startswith(self._inside):
                return path
            scratch_file = self.scratch_path(full)
            self.add(full, given)
            os.makedirs(os.path.dirname(scratch_file), exist_ok=True)
        return pathlib.Path(scratch_file) if isinstance(path, os.PathLike) else scratch_file

    def reading_path(self, path: Any) -> Any:
        """Returns the path to read instead of `path`: in the scratch folder, if it was written there."""
        try:
            given = os.fsdecode(path)
        except TypeError:
            return path
        with unguarded:
            scratch_file = self.scratch_path(_full(given))
            found = os.path.exists(scratch_file) or os.path.exists(
                f"{scratch_file}.index"
            )  # the latter: TensorFlow's checkpoints
        return scratch_file if found else path

    def scratch_path(self, full: str) -> str:
        """Returns the path in the scratch folder that belongs to `full`."""
        return os.path.join(self._scratch, full.replace("://", "/").lstrip("/"))

    def add(self, full: str, given: str) -> None:
        """Adds a redirected path: `full`, which the script called `given`."""
        if full not in self._redirected and len(self._redirected) < MOST_SHOWN:
            self._redirected.append(full)
        if len(self.names) < MOST_NAMES:
            self.names |= {os.path.basename(full.rstrip(os.sep)), os.path.basename(given.rstrip(os.sep))}
            above = os.path.dirname(full.rstrip(os.sep))
            while len(above) > 1 and not is_remote(above) and not os.path.isdir(above):
                self.names.add(os.path.basename(above))
                above = os.path.dirname(above)

    def read_names(self) -> None:
        """Reads the names in the scratch folder: another process of this child may have written there."""
        with unguarded:
            for _, folders, files in os.walk(self._scratch):
                if len(self.names) > MOST_NAMES:
                    return
                self.names.update(files, folders if files else ())

    def backup_path(self, path: Any) -> Any:
        """Returns the path to use instead of a folder that is read and written, which starts as a copy of it."""
        scratch_file = self.writing_path(path)
        if scratch_file is not path:
            with unguarded:
                real = _full(os.fsdecode(path))
                if os.path.isdir(real) and not os.path.exists(scratch_file):
                    shutil.copytree(real, scratch_file, copy_function=_copied)
        return scratch_file

    def install(self, keras: ModuleType) -> Patches:
        """Patches Keras' saving and loading functions and the paths of its callbacks. The result undoes that."""
        import importlib

        patches = Patches()
        api = importlib.import_module(f"{keras.__name__}.src.saving.saving_api")
        replacements = {}
        for name, mapped in (
            ("save_model", self.writing_path),
            ("save_weights", self.writing_path),
            ("load_model", self.reading_path),
            ("load_weights", self.reading_path),
        ):
            original = getattr(api, name, None)
            if original is not None:
                replacements[original] = with_path(
                    original, mapped, "filepath", position=1 if name != "load_model" else 0
                )
        replace_everywhere(patches, keras.__name__, replacements)
        export = vars(keras.Model).get("export")
        if export is not None:
            patches.put(keras.Model, "export", with_path(export, self.writing_path, "filepath", position=1))
        if keras.__name__ == "tf_keras":  # it finds the latest of TensorFlow's checkpoints in a folder
            patches.put_call(sys.modules["tensorflow"], "tf.train.latest_checkpoint", self.wrap_latest)
        for name, argument in CALLBACK_PATHS.items():
            cls = getattr(keras.callbacks, name, None)
            if cls is not None and argument in inspect.signature(cls.__init__).parameters:
                _wrap_constructor(patches, cls, argument, self.backup_path if name in READ_TOO else self.writing_path)
        return patches

    def wrap_latest(self, latest: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps a function that finds the latest checkpoint: first that of this run, then the real one."""

        @functools.wraps(latest)
        def wrapper(checkpoint_dir: Any, *arguments: Any, **keywords: Any) -> Any:
            scratch_file = self.reading_path(checkpoint_dir)
            found = latest(scratch_file, *arguments, **keywords)
            return (
                latest(checkpoint_dir, *arguments, **keywords)
                if found is None and scratch_file is not checkpoint_dir
                else found
            )

        return wrapper


def replace_everywhere(patches: Patches, package: str, replacements: Mapping[Any, Any]) -> None:
    """Replaces functions under all names that the loaded modules of a package have for them.

    Example:
        >>> replace_everywhere(patches, "torch", {torch.save: wrapper})
    """
    by_id = {id(original): replacement for original, replacement in replacements.items()}
    for name, module in list(sys.modules.items()):
        if (name == package or name.startswith(f"{package}.")) and isinstance(module, ModuleType):
            for attribute, value in list(vars(module).items()):
                if id(value) in by_id:
                    patches.put(module, attribute, by_id[id(value)])


def with_path(
    function: Callable[..., Any], mapped: Callable[[Any], Any], name: str, *, position: int
) -> Callable[..., Any]:
    """Wraps a function so that one of its arguments, a path, is mapped to another one.

    Args:
        function: The function.
        mapped: Maps the path.
        name: The name of the argument.
        position: Its position, if it is given without its name.
    """

    @functools.wraps(function)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        if name in keywords:
            keywords[name] = mapped(keywords[name])
        elif len(arguments) > position:
            arguments = (*arguments[:position], mapped(arguments[position]), *arguments[position + 1 :])
        return function(*arguments, **keywords)

    return wrapper


def _full(path: str) -> str:
    return path if is_remote(path) else os.path.realpath(os.path.expanduser(path.removeprefix("file://")))


def _copied(source: str, target: str) -> None:
    if SHARD.search(source) and os.path.getsize(source) > LARGE_BYTES:
        os.symlink(os.path.abspath(source), target)
    else:
        shutil.copy2(source, target)


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
