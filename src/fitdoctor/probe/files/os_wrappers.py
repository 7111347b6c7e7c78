"""Wrappers around functions of `os`."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

from fitdoctor.probe.support.patches import Patches


class JoinedEntries:
    """The result of `os.scandir` for two folders."""

    def __init__(self, entries: Iterator[os.DirEntry[str]]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        return self

    def __next__(self) -> os.DirEntry[str]:
        return next(self._entries)

    def __enter__(self) -> JoinedEntries:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...


def put_in_os(patches: Patches, name: str, wrap: Callable[[Any], Any]) -> None:
    original = getattr(os, name, None)
    if original is None:  # not on this system
        return
    wrapper = wrap(original)
    patches.put(os, name, wrapper)
    for supports in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if original in supports:
            supports.add(wrapper)


def with_mapped_path(
    original: Callable[..., Any], mapped: Callable[[Any], Any], mapped_link: Callable[[Any], Any] | None = None
) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        if arguments and keywords.get("dir_fd") is None:
            how = mapped if keywords.get("follow_symlinks", True) else mapped_link
            if how is not None:
                return original(how(arguments[0]), *arguments[1:], **keywords)
        return original(*arguments, **keywords)

    return wrapper


def unless_done(original: Callable[..., Any], done: Callable[..., bool], paths: int = 1) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> None:
        if len(arguments) == paths and all(value is None for value in keywords.values()) and done(*arguments):
            return
        original(*arguments, **keywords)

    return wrapper
