"""Sends saving of Keras to a scratch folder, and reads from there first.

Whatever Keras saves goes there, new files as well: what a run that was cut short has saved is of no use to anybody. The
libraries beneath Keras are in `redirected_libraries.py`, files that Python opens in `private_copies.py`.
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

from fitdoctor.probe.files.made_files import ours
from fitdoctor.probe.files.write_guard import is_remote
from fitdoctor.probe.support.patches import Patches

CALLBACK_PATHS = {
    "TensorBoard": "log_dir",
    "CSVLogger": "filename",
    "BackupAndRestore": "backup_dir",
    "ModelCheckpoint": "filepath",
    "OrbaxCheckpoint": "directory",
}
READ_TOO = ("BackupAndRestore", "OrbaxCheckpoint")
"""Callbacks that go on from what lies in their folder."""
MOST_SHOWN = 100
MOST_NAMES = 100_000
SHARD = re.compile(r"\.data-\d{5}-of-\d{5}$")
LARGE_BYTES = 16 << 20
"""Variables of TensorFlow's checkpoints: never written in place, so a link to a large one does as well as a copy."""


class Redirect:
    """Sends Keras' saving and its callbacks' files to a scratch folder, and reads from there first.

    Args:
        scratch: The folder; made when first needed.
        redirected: Gets each real path that was not written to.
        remote_only: Whether only addresses such as gs://bucket are sent there: a layer of the file system holds back
            all else.

    Attributes:
        names: Names of what was sent there: a path that has none of them in it is where it always was.
    """

    def __init__(self, scratch: str, redirected: list[str], *, remote_only: bool = False) -> None:
        self._scratch = os.path.abspath(scratch)
        self._inside = (os.path.join(self._scratch, ""), os.path.join(os.path.realpath(scratch), ""))
        self._redirected = redirected
        self._remote_only = remote_only
        self.names: set[str] = set()

    def written(self, path: Any) -> Any:
        """Where to write instead of `path`. Remote paths become local ones too."""
        try:
            given = os.fsdecode(path)
        except TypeError:
            return path
        if not given or (self._remote_only and not is_remote(given)):
            return path
        with ours:
            full = _full(given)
            if full.startswith(self._inside):
                return path
            aside = self.aside(full)
            self.note(full, given)
            os.makedirs(os.path.dirname(aside), exist_ok=True)
        return pathlib.Path(aside) if isinstance(path, os.PathLike) else aside

    def read(self, path: Any) -> Any:
        """Where to read `path` from: the scratch folder where it was written there, the real place otherwise."""
        try:
            given = os.fsdecode(path)
        except TypeError:
            return path
        with ours:
            aside = self.aside(_full(given))
            found = os.path.exists(aside) or os.path.exists(f"{aside}.index")  # the latter: TensorFlow's checkpoints
        return aside if found else path

    def aside(self, full: str) -> str:
        """Where in the scratch folder the place of `full` is."""
        return os.path.join(self._scratch, full.replace("://", "/").lstrip("/"))

    def note(self, full: str, given: str) -> None:
        """Remembers that `full`, which the script called `given`, is written elsewhere."""
        if full not in self._redirected and len(self._redirected) < MOST_SHOWN:
            self._redirected.append(full)
        if len(self.names) < MOST_NAMES:
            self.names |= {os.path.basename(full.rstrip(os.sep)), os.path.basename(given.rstrip(os.sep))}
            above = os.path.dirname(full.rstrip(os.sep))
            while len(above) > 1 and not is_remote(above) and not os.path.isdir(above):
                self.names.add(os.path.basename(above))
                above = os.path.dirname(above)

    def find_names(self) -> None:
        """Learns what lies in the scratch folder already:

        another process of this child, which started this one, may have written there.
        """
        with ours:
            for _, folders, files in os.walk(self._scratch):
                if len(self.names) > MOST_NAMES:
                    return
                self.names.update(files, folders if files else ())

    def backed_up(self, path: Any) -> Any:
        """A backup is read as well as written, file by file, so the scratch folder begins as a copy of it."""
        aside = self.written(path)
        if aside is not path:
            with ours:
                real = _full(os.fsdecode(path))
                if os.path.isdir(real) and not os.path.exists(aside):
                    shutil.copytree(real, aside, copy_function=_copied)
        return aside

    def install(self, keras: ModuleType) -> Patches:
        """Replaces Keras' saving and loading functions and the path arguments of its callbacks, until the result undoes
        it.
        """
        import importlib

        patches = Patches()
        api = importlib.import_module(f"{keras.__name__}.src.saving.saving_api")
        replacements = {}
        for name, mapped in (
            ("save_model", self.written),
            ("save_weights", self.written),
            ("load_model", self.read),
            ("load_weights", self.read),
        ):
            original = getattr(api, name, None)
            if original is not None:
                replacements[original] = with_path(
                    original, mapped, "filepath", position=1 if name != "load_model" else 0
                )
        replace_everywhere(patches, keras.__name__, replacements)
        export = vars(keras.Model).get("export")
        if export is not None:
            patches.put(keras.Model, "export", with_path(export, self.written, "filepath", position=1))
        if (
            keras.__name__ == "tf_keras"
        ):  # its weights go into TensorFlow's checkpoints, of which there is a latest in a folder
            patches.put_call(sys.modules["tensorflow"], "tf.train.latest_checkpoint", self.latest)
        for name, argument in CALLBACK_PATHS.items():
            cls = getattr(keras.callbacks, name, None)
            if cls is not None and argument in inspect.signature(cls.__init__).parameters:
                _wrap_constructor(patches, cls, argument, self.backed_up if name in READ_TOO else self.written)
        return patches

    def latest(self, latest: Callable[..., Any]) -> Callable[..., Any]:
        """What finds the latest checkpoint in a folder: that of this run, or where there is none that of a real one."""

        @functools.wraps(latest)
        def wrapper(checkpoint_dir: Any, *arguments: Any, **keywords: Any) -> Any:
            aside = self.read(checkpoint_dir)
            found = latest(aside, *arguments, **keywords)
            return (
                latest(checkpoint_dir, *arguments, **keywords)
                if found is None and aside is not checkpoint_dir
                else found
            )

        return wrapper


def replace_everywhere(patches: Patches, package: str, replacements: Mapping[Any, Any]) -> None:
    """Replaces functions under whatever names the loaded modules of a package know them.

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
    """A function that has one of its arguments, a path, mapped to another one.

    Args:
        function: What is called in the end.
        mapped: Gives the path to use.
        name: The argument's name.
        position: Where it stands if it is given without its name.
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
