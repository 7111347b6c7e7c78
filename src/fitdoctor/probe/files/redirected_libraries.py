"""Redirects files that libraries write in C and C++, without audit events, to the scratch folder."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from fitdoctor.probe.files.private_copies import PrivateCopies
from fitdoctor.probe.files.redirect import Redirect, with_path
from fitdoctor.probe.files.write_guard import WriteGuard
from fitdoctor.probe.support.patches import Patches


class Call(NamedTuple):
    """A function or method that takes a path.

    Attributes:
        module: The module that defines it.
        name: The function, or `Class.method`.
        argument: The argument with the path.
        how: "scratch" (redirected to the scratch folder), "backed up" (the same, starting as a copy), "existing" (only
            existing files are redirected), "cached" (redirected unless the cache is complete), "read" or "latest".
    """

    module: str
    name: str
    argument: str
    how: str


TF = "tensorflow.python"
CALLS = (
    Call("torch.serialization", "save", "f", "scratch"),
    Call("torch.serialization", "load", "f", "read"),
    Call("torch.jit._serialization", "save", "f", "scratch"),
    Call("torch.jit._serialization", "load", "f", "read"),
    Call("torch.jit._script", "RecursiveScriptModule.save", "f", "scratch"),
    Call("torch.export", "save", "f", "scratch"),
    Call("torch.export", "load", "f", "read"),
    Call("torch.onnx", "export", "f", "scratch"),
    Call("safetensors.torch", "save_file", "filename", "scratch"),
    Call("safetensors.torch", "save_model", "filename", "scratch"),
    Call("safetensors.torch", "load_file", "filename", "read"),
    Call("safetensors.torch", "load_model", "filename", "read"),
    Call("safetensors.numpy", "save_file", "filename", "scratch"),
    Call("safetensors.numpy", "load_file", "filename", "read"),
    Call(f"{TF}.saved_model.save", "save", "export_dir", "scratch"),
    Call(f"{TF}.saved_model.load", "load", "export_dir", "read"),
    Call(f"{TF}.checkpoint.checkpoint", "Checkpoint.save", "file_prefix", "scratch"),
    Call(f"{TF}.checkpoint.checkpoint", "Checkpoint.write", "file_prefix", "scratch"),
    Call(f"{TF}.checkpoint.checkpoint", "Checkpoint.restore", "save_path", "read"),
    Call(f"{TF}.checkpoint.checkpoint", "Checkpoint.read", "save_path", "read"),
    Call(f"{TF}.checkpoint.checkpoint", "CheckpointV1.save", "file_prefix", "scratch"),
    Call(f"{TF}.checkpoint.checkpoint", "CheckpointV1.write", "file_prefix", "scratch"),
    Call(f"{TF}.checkpoint.checkpoint", "CheckpointV1.restore", "save_path", "read"),
    Call(f"{TF}.checkpoint.checkpoint_management", "CheckpointManager.__init__", "directory", "backed up"),
    Call(f"{TF}.checkpoint.checkpoint_management", "latest_checkpoint", "checkpoint_dir", "latest"),
    Call(f"{TF}.checkpoint.checkpoint_management", "get_checkpoint_state", "checkpoint_dir", "latest"),
    Call(f"{TF}.training.checkpoint_utils", "load_checkpoint", "ckpt_dir_or_file", "read"),
    Call(f"{TF}.training.saver", "Saver.save", "save_path", "scratch"),
    Call(f"{TF}.training.saver", "Saver.restore", "save_path", "read"),
    Call(f"{TF}.ops.summary_ops_v2", "create_file_writer_v2", "logdir", "scratch"),
    Call(f"{TF}.profiler.profiler_v2", "start", "logdir", "scratch"),
    Call(f"{TF}.ops.gen_io_ops", "write_file", "filename", "existing"),
    Call(f"{TF}.lib.io.tf_record", "TFRecordWriter.__init__", "path", "existing"),
    Call(f"{TF}.data.ops.cache_op", "_cache", "filename", "cached"),
    Call(f"{TF}.data.ops.save_op", "_save", "path", "scratch"),
    Call(f"{TF}.data.ops.load_op", "_load", "path", "read"),
    Call(f"{TF}.data.ops.snapshot_op", "_snapshot", "path", "scratch"),
    Call("pyarrow.parquet.core", "ParquetWriter.__init__", "where", "existing"),
    Call("cv2", "imwrite", "filename", "existing"),
)
MODULES = tuple(dict.fromkeys(call.module for call in CALLS))
# All file operations of TensorFlow's Python code use this module, `tf.io.gfile` included.
FILES = f"{TF}.lib.io._pywrap_file_io"


def install(module: ModuleType, redirect: Redirect, copies: PrivateCopies, guard: WriteGuard) -> Patches:
    """Patches the known calls of one of `MODULES`. The result undoes that.

    The module must have been imported just now, so that everything that imports from it gets the replacement.
    """
    patches = Patches()
    hows: dict[str, Callable[[Any], Any]] = {
        "scratch": redirect.writing_path,
        "backed up": redirect.backup_path,
        "existing": functools.partial(_existing, copies=copies, guard=guard),
        "cached": functools.partial(_cached, redirect=redirect),
        "read": redirect.reading_path,
    }
    for call in CALLS:
        if call.module != module.__name__:
            continue
        owner: Any = module
        *classes, name = call.name.split(".")
        for each in classes:
            owner = getattr(owner, each, None)
        original = vars(owner).get(name) if owner is not None else None
        if not callable(original):  # defined elsewhere in another version
            continue
        if call.how == "latest":
            replacement = redirect.wrap_latest(original)
        else:
            replacement = with_path(
                original, hows[call.how], call.argument, position=_position(original, call.argument)
            )
        patches.put(owner, name, replacement)
    return patches


def install_h5py(h5py: ModuleType, redirect: Redirect, copies: PrivateCopies) -> Patches:
    """Redirects HDF5: an existing file is copied before it is changed."""
    patches = Patches()
    original = h5py.File.__init__

    @functools.wraps(original)
    def wrapper(self: Any, name: Any, mode: Any = "r", *arguments: Any, **keywords: Any) -> None:
        if isinstance(name, (str, bytes, os.PathLike)):
            if mode in ("w", "w-", "x"):
                name = redirect.writing_path(name) if mode == "w" or not os.path.lexists(name) else name
            elif mode == "r":
                name = redirect.reading_path(name)
            else:
                name = copies.writing_path(redirect.reading_path(name))
                name = name if os.path.lexists(name) else redirect.writing_path(name)
        original(self, name, mode, *arguments, **keywords)

    patches.put(h5py.File, "__init__", wrapper)
    return patches


def _position(function: Callable[..., Any], argument: str) -> int:
    try:
        return list(inspect.signature(function).parameters).index(argument)
    except (ValueError, TypeError):  # no readable signature, or no such argument
        return 0


def _existing(path: Any, *, copies: PrivateCopies, guard: WriteGuard) -> Any:
    """Redirects an existing file. A new file stays where C++ code looks for it, and is listed."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return path
    where = copies.writing_path(path, keeps=False)
    if where is path:
        guard.check(os.fsdecode(path), "open")
        guard.note_made(os.fsdecode(path))
    return where


def _cached(path: Any, *, redirect: Redirect) -> Any:
    """Redirects an incomplete cache, whose lock would block the real training. A complete one is only read."""
    if not isinstance(path, (str, bytes, os.PathLike)) or not path or os.path.exists(f"{os.fsdecode(path)}.index"):
        return path
    return redirect.writing_path(path)


def install_files(files: ModuleType, copies: PrivateCopies, guard: WriteGuard) -> Patches:
    """Wraps the functions of `FILES`."""
    patches = Patches()

    def put(name: str, replace: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        original = vars(files).get(name)
        if original is not None:
            patches.put(files, name, functools.wraps(original, updated=())(replace(original)))

    for name in ("BufferedInputStream", "FileExists", "Stat", "IsDirectory"):
        put(name, lambda original: lambda path, *rest: original(copies.reading_path(path), *rest))

    def writes(original: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Any, mode: Any) -> Any:
            where = copies.writing_path(path, keeps=os.fsdecode(mode)[:1] != "w")
            if where is path:
                guard.check(os.fsdecode(path), "open")
                guard.note_made(os.fsdecode(path))
            return original(where, mode)

        return opened

    def deletes(original: Callable[..., Any]) -> Callable[..., Any]:
        def deleted(path: Any) -> None:
            if not copies.remove(path):
                guard.check(os.fsdecode(path), "os.remove")
                original(path)

        return deleted

    def deletes_all(original: Callable[..., Any]) -> Callable[..., Any]:
        def deleted(path: Any) -> None:
            guard.check(os.fsdecode(path), "shutil.rmtree")
            original(copies.reading_path(path))

        return deleted

    def renames(original: Callable[..., Any]) -> Callable[..., Any]:
        def renamed(source: Any, target: Any, overwrite: bool = False) -> None:
            if not copies.rename(source, target):
                guard.check(os.fsdecode(source), "os.rename")
                guard.check(os.fsdecode(target), "os.rename")
                guard.note_made(os.fsdecode(target))
                original(source, target, overwrite)

        return renamed

    def copies_file(original: Callable[..., Any]) -> Callable[..., Any]:
        def copied(source: Any, target: Any, overwrite: bool = False) -> None:
            where = _existing(target, copies=copies, guard=guard) if overwrite else target
            original(copies.reading_path(source), where, overwrite)

        return copied

    def makes_folder(original: Callable[..., Any]) -> Callable[..., Any]:
        def made(path: Any) -> None:
            where = copies.folder_path(path)
            guard.note_made(os.fsdecode(where))
            original(where)

        return made

    put("WritableFile", writes)
    put("DeleteFile", deletes)
    put("DeleteRecursively", deletes_all)
    put("RenameFile", renames)
    put("CopyFile", copies_file)
    put("CreateDir", makes_folder)
    put("RecursivelyCreateDir", makes_folder)
    return patches
