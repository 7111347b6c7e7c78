"""Detects programs that would change files unobserved by the guard. Only by their names: any program may do so."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence

from fitdoctor.probe.processes.commands import SHELLS
from fitdoctor.probe.processes.shell_lines import without_wrappers

CHANGE_FILES = {
    *(
        "rm",
        "mv",
        "cp",
        "rsync",
        "ln",
        "dd",
        "truncate",
        "tee",
        "install",
        "shred",
        "rmdir",
        "unlink",
        "rename",
        "touch",
        "chmod",
    ),
    *(
        "chown",
        "sqlite3",
        "aws",
        "gsutil",
        "gcloud",
        "azcopy",
        "rclone",
        "s3cmd",
        "scp",
        "sftp",
        "dvc",
        "make",
        "trash",
    ),
}
GIT_READS = {
    *(
        "rev-parse",
        "describe",
        "status",
        "log",
        "diff",
        "show",
        "ls-files",
        "ls-remote",
        "ls-tree",
        "cat-file",
        "config",
        "remote",
    ),
    *(
        "branch",
        "version",
        "--version",
        "rev-list",
        "show-ref",
        "symbolic-ref",
        "name-rev",
        "shortlog",
        "blame",
        "grep",
    ),
    *("merge-base", "for-each-ref", "var", "check-ignore"),
}
PYTHON = re.compile(r"^(python|pypy)[\d.]*(\.exe)?$")
IN_PLACE = re.compile(r"^(-[a-zA-Z]*i|--in-place)")
PARTS = re.compile(r"\|\||&&|[;|&\n(){}]")
NOWHERE = re.compile(r"[\d&]?>&\d|[\d&]?>{1,2}\s*/dev/null\b")
INTO_A_FILE = re.compile(r"(?<![\d&<>=-])[\d&]?>{1,2}\|?\s*[^\s>&]")


def changes_files(command: Sequence[str], *, by_library: bool = True, guarded: bool = False) -> bool:
    """Returns whether a command is known to change files, or runs a script of the user that may.

    Args:
        command: The program and its arguments.
        by_library: Whether an installed package starts it. Then Python code on the command line is trusted.
        guarded: Whether a Python that respects its environment starts with the guard: see `bystander.py`.

    Example:
        >>> changes_files(["git", "rev-parse", "HEAD"]), changes_files(["sh", "-c", "cp best.pt final.pt"])
        (False, True)
    """
    words = without_wrappers(command)
    if not words:
        return False
    name, rest = os.path.basename(words[0]), words[1:]
    if name == "eval":
        return shell_changes_files(" ".join(rest), by_library=by_library, guarded=guarded)
    if name in SHELLS:
        return _shell_changes(rest, by_library, guarded)
    if PYTHON.match(name):
        return not (guarded and _respects_environment(rest)) and _python_changes(rest, by_library)
    if name == "git":
        return next((word for word in _without_options(rest)), "version") not in GIT_READS
    if name == "find":
        starts = [position for position, word in enumerate(rest) if word in ("-exec", "-execdir", "-ok", "-okdir")]
        return "-delete" in rest or any(
            changes_files(rest[at + 1 :], by_library=by_library, guarded=guarded) for at in starts
        )
    if name in ("sed", "perl"):
        return any(IN_PLACE.match(word) for word in rest)
    return name in CHANGE_FILES or name.endswith((".sh", ".bash"))


def shell_changes_files(text: str, *, by_library: bool = True, guarded: bool = False) -> bool:
    """Does the same for the line of a shell."""
    text = NOWHERE.sub("", text)
    if INTO_A_FILE.search(re.sub(r"'[^']*'|\"[^\"]*\"", "''", text)):
        return True
    for part in PARTS.split(text):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # a quotation that spans parts
            words = part.split()
        if changes_files(words, by_library=by_library, guarded=guarded):
            return True
    return False


def _shell_changes(rest: list[str], by_library: bool, guarded: bool) -> bool:
    for position, word in enumerate(rest):
        if word.startswith("-") and "c" in word.lstrip("-") and not word.startswith("--"):
            return position + 1 < len(rest) and shell_changes_files(
                rest[position + 1], by_library=by_library, guarded=guarded
            )
        if not word.startswith(("-", "+")):
            return True  # a script
    return False


def _python_changes(rest: list[str], by_library: bool) -> bool:
    """Returns whether Python runs code of the user. Installed packages are trusted."""
    for position, word in enumerate(rest):
        if word in ("-m", "-c"):
            if word == "-c":
                return not by_library
            name = rest[position + 1] if position + 1 < len(rest) else ""
            top = name.split(".")[0]
            return os.path.isdir(top) or os.path.isfile(f"{top}.py")
        if not word.startswith("-"):
            path = os.path.realpath(word)
            installed = (os.path.realpath(sys.prefix) + os.sep, os.path.realpath(sys.base_prefix) + os.sep)
            return not path.startswith(installed) and "site-packages" not in path.split(os.sep)
    return False


def _respects_environment(rest: list[str]) -> bool:
    """Returns whether a Python imports `sitecustomize` from PYTHONPATH, which -I, -E and -S prevent."""
    for word in rest:
        if not word.startswith("-") or word in ("-m", "-c"):
            return True
        if not word.startswith(("--", "-W", "-X")) and set("IES") & set(word):
            return False
    return True


def _without_options(words: list[str]) -> list[str]:
    found, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-C", "-c", "--git-dir", "--work-tree"):
            skip = True
        elif not word.startswith("-") or word == "--version":
            found.append(word)
    return found
