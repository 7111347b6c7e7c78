"""Finds the programs that the line of a shell starts, roughly. Only names: an argument may be a password."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

from fitdoctor.probe.processes import commands
from fitdoctor.probe.processes.commands import ASSIGNMENT, SHELLS

# Keywords of a shell that are followed by a command.
KEYWORDS = frozenset(
    ["do", "then", "else", "elif", "if", "while", "until", "!", "{", "(", "time", "exec", "builtin", "coproc"]
)
# Keywords of a shell that are not followed by a command.
NO_COMMANDS = frozenset(["for", "case", "select", "function", "done", "fi", "esac", "in", "}", ")", "[[", "((", "]]"])
BUILTINS = frozenset(
    """
    : . [ alias bg bind break cd command continue declare dirs disown echo enable exit export false fg getopts hash
    help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set shift
    shopt source suspend test times trap true type typeset ulimit umask unalias unset wait
    """.split()  # noqa: SIM905 - easier to read and edit than a list
)
# Programs that start another one, with their short options that take a value.
WITH_VALUES = {
    "sudo": "ugpCDRTrth",
    "doas": "uC",
    "env": "uC",
    "nice": "n",
    "ionice": "cnp",
    "timeout": "ks",
    "xargs": "aEdILnPs",
    "stdbuf": "ioe",
    "time": "fo",
    "exec": "a",
    "taskset": "",
    "chrt": "TPD",
    "flock": "wEc",
    "numactl": "NmipCMl",
    "nohup": "",
    "setsid": "",
    "command": "",
    "catchsegv": "",
    "setarch": "",
    "prlimit": "",
    "xvfb-run": "efnpsw",
}
LONG_WITH_VALUES = frozenset(
    ["--user", "--group", "--unset", "--chdir", "--adjustment", "--signal", "--kill-after", "--max-args"]
)
# Words between options and program, such as the seconds of `timeout`.
BEFORE_PROGRAM = {"timeout": 1, "taskset": 1, "chrt": 1, "flock": 1}
PUNCTUATION = "();<>|&\n"
SUBSTITUTED = re.compile(r"\$\(([^()]+)\)|`([^`]+)`")
NAME = re.compile(r"[^\s='\"]*[A-Za-z][^\s='\"]*")
LONGEST_LINE = 10_000
MOST = 10
MOST_LAYERS = 3


def without_wrappers(words: Sequence[str]) -> list[str]:
    """Returns a command without assignments, shell keywords, and programs that only start it.

    Example:
        >>> without_wrappers(["then", "env", "A=1", "nice", "-n", "1", "hostname", "-f"])
        ['hostname', '-f']
    """
    left = list(words)
    while left:
        name = os.path.basename(left[0])
        if name in NO_COMMANDS:
            return []
        if name == "command" and left[1:2] and left[1] in ("-v", "-V"):  # it only asks where a program is
            return left
        if name not in WITH_VALUES:
            if name not in KEYWORDS and not ASSIGNMENT.fullmatch(left[0]):
                return left
            left.pop(0)
            continue
        left.pop(0)
        while left and left[0].startswith("-") and len(left[0]) > 1:
            option = left.pop(0)
            if option == "--":
                break
            if name == "env" and option in ("-S", "--split-string") and left:
                left[:1] = left[0].split()
            elif option in LONG_WITH_VALUES or (not option.startswith("--") and option[-1] in WITH_VALUES[name]):
                del left[:1]
        if name in BEFORE_PROGRAM:
            del left[: BEFORE_PROGRAM[name]]
        elif left and left[0].isdigit():
            left.pop(0)
    return left


def programs(words: Sequence[str], layers: int = MOST_LAYERS) -> list[str]:
    """Returns all programs that a command starts, named by `commands.program`; a builtin if there are only builtins.

    Example:
        >>> programs(["sh", "-c", "cd /tmp && nice curl -u me:secret host | jq"])
        ['curl', 'jq']
    """
    if not words:
        return []
    inner = without_wrappers(words)
    if not inner:
        return [os.path.basename(words[0])]
    line = _shell_line(inner)
    found = _of_line(line, layers) if line is not None and layers else []
    name = os.path.basename(inner[0])
    return found or [name if name in SHELLS else commands.program(inner)]


def _shell_line(words: Sequence[str]) -> str | None:
    """Returns the line that a shell runs by its option -c."""
    if os.path.basename(words[0]) not in SHELLS:
        return None
    for position, word in enumerate(words[1:-1], 1):
        if word.startswith("-") and not word.startswith("--") and "c" in word:
            return words[position + 1]
        if not word.startswith(("-", "+")):
            return None
    return None


def _of_line(line: str, layers: int) -> list[str]:
    line = line[:LONGEST_LINE].replace("\\\n", " ")
    found: list[str] = []
    builtins: list[str] = []
    for part in [
        *_parts(line),
        *(part for match in SUBSTITUTED.finditer(line) for part in _parts(match[1] or match[2])),
    ]:
        words = without_wrappers(part)
        if not words:
            continue
        name = os.path.basename(words[0])
        if name == "eval" and layers > 1:
            found += _of_line(" ".join(words[1:]), layers - 1)
        elif name in BUILTINS:
            builtins.append(name)
        elif NAME.fullmatch(words[0]):
            found += programs(words, layers - 1)
    return (list(dict.fromkeys(found)) or builtins[:1])[:MOST]


def _parts(line: str) -> list[list[str]]:
    """Returns the words of each command, without redirections, comments, patterns of `case` and texts of `<<`."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=PUNCTUATION)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        words = list(lexer)
    except ValueError:  # a quotation without an end
        return [line.split()[:1]]
    parts: list[list[str]] = [[]]
    depth, at = 0, 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word or word.strip(PUNCTUATION):
            if not word.startswith("#"):
                parts[-1].append(word)
                continue
            while at < len(words) and "\n" not in words[at]:
                at += 1
        elif "<" in word or ">" in word:
            if "<<" in word and "<<<" not in word and at < len(words):
                end = words[at].lstrip("-")
                at += 1
                while at < len(words) and words[at] != end:
                    at += 1
            at += 1
            if parts[-1] and parts[-1][-1].isdigit():  # as in 2>&1
                parts[-1].pop()
        elif "(" in word and parts[-1] and parts[-1][-1].endswith("="):  # a list of values
            while at < len(words) and ")" not in words[at]:
                at += 1
            at += 1
        else:
            depth += word.count("(") - word.count(")")
            if depth < 0:
                depth = 0
                parts.pop()
            parts.append([])
    return [part for part in parts if part]
