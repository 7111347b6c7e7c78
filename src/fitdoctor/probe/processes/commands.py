"""Parses command lines: whether they run Python, with which options and which program."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PYTHON = re.compile(r"(python|pypy)(\d+(\.\d+)*)?[td]?(-\w+)?(\.exe)?")
# Programs that run the command in their own arguments.
WRAPPERS = frozenset(
    """
    env nice ionice numactl taskset chrt setarch stdbuf nohup setsid time timeout catchsegv xvfb-run prlimit flock
    """.split()  # noqa: SIM905 - easier to read and edit than a list
)
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
# Characters with which the line of a shell is more than a list of words.
BEYOND_WORDS = re.compile(r"[|&;<>()$`*?\[\]~{}!\n#\\]")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
LAUNCHERS = frozenset({"torchrun", "accelerate", "horovodrun", "mpirun", "mpiexec", "srun", "deepspeed", "ray"})
LAUNCHER_MODULES = (
    "torch.distributed.run",
    "torch.distributed.launch",
    "accelerate.commands.launch",
    "horovod.runner.launch",
)
SEVERAL = (
    "The script starts “{}”{}: a training on several processes. Expected one process, the only kind that can be "
    "diagnosed so far. Diagnose the script itself on one device, without its launcher."
)
# Options of Python that run no program.
ENDS_AT_ONCE = "hV?"
SKIPS_A_LINE = "x"
# The environment variable with the path of the specification, for Python programs that the script starts.
SPEC = "FITDOCTOR_SPEC"
MOST_LAYERS = 5
SHEBANG_BYTES = 256
# The oldest Python that the probe supports.
OLDEST = (3, 10)
WORKER_CODE = ("from multiprocessing.", "from joblib.externals.loky", "from loky", "from billiard.")
WORKER_MODULES = ("joblib.", "loky.", "pyspark.", "ray.", "distributed.", "dask.", "billiard.")
LIBRARIES = re.compile(r"[\\/](site|dist)-packages[\\/]")
WORKER = "a worker process"
SHOWN_WORDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCommand:
    """A command that runs Python.

    Attributes:
        before: The words before the options of Python, with the interpreter last.
        options: The options of Python, without -m and -c.
        mode: "script", "module" or "code".
        target: The path, the name of the module, or the code.
        arguments: The arguments of the program.
        assigned: The variables that the command sets.
        layers: How many words of `before` belong to programs that run the interpreter.
    """

    before: tuple[str, ...]
    options: tuple[str, ...]
    mode: str
    target: str
    arguments: tuple[str, ...]
    assigned: Mapping[str, str]
    layers: int = 0

    @property
    def python(self) -> str:
        return self.before[-1]

    @property
    def shown(self) -> str:
        """The program as it is given to `python`, for a message. A worker of a library is called so."""
        beginnings = {"code": WORKER_CODE, "module": WORKER_MODULES}.get(self.mode, ())
        if self.target.startswith(beginnings) or self.mode == "script" and LIBRARIES.search(self.target):
            return WORKER
        flag = {"module": ["-m"], "code": ["-c"]}.get(self.mode, [])
        return shown([*flag, self.target, *self.arguments])

    @property
    def is_launcher(self) -> bool:
        return self.mode == "module" and self.target in LAUNCHER_MODULES


def python_command(path: str, words: Sequence[str], environment: Mapping[str, str]) -> PythonCommand | None:
    """Returns the Python command that a command runs; None if there is none, or if it is unknown.

    Args:
        path: The program.
        words: The whole command. Its first word is only a name.
        environment: Its variables, for PATH.

    Example:
        >>> python_command("/usr/bin/env", ["env", "python", "-u", "train.py"], os.environ).target
        'train.py'
    """
    command, at, assigned = [path, *words[1:]], 0, dict[str, str]()
    for _ in range(MOST_LAYERS):
        if at >= len(command):
            return None
        if is_python(command[at]):
            return _parsed(command, at, assigned)
        name = os.path.basename(command[at])
        if name in WRAPPERS:
            at = _wrapped(command, at)
        elif name in SHELLS:
            simple = _simple(command[at + 1 :])
            if simple is None or at:
                return None
            variables, command = simple
            assigned |= variables
            command[0] = found(command[0], {**environment, **assigned})
        else:
            interpreter = _shebang(command[at])
            if not interpreter:
                return None
            command[at : at + 1] = [*interpreter, command[at]]
    return None


def is_python(word: str) -> bool:
    """Returns whether a word is a Python interpreter, by its name or because it runs this process."""
    if PYTHON.fullmatch(os.path.basename(word)):
        return True
    try:
        return bool(sys.executable) and os.path.samefile(word, sys.executable)
    except (OSError, ValueError):
        return False


def is_launcher(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Returns whether a command starts a training on several processes."""
    if not words:
        return False
    if os.path.basename(words[0]) in LAUNCHERS:
        return True
    line = _line(words)
    if line:
        return is_launcher(line, environment)
    parsed = python_command(words[0], words, environment)
    return parsed is not None and (parsed.is_launcher or os.path.basename(parsed.target) in LAUNCHERS)


def is_too_old(python: str) -> bool:
    """Returns whether an interpreter is too old for the probe, by its name or its virtual environment."""
    known = re.search(r"(?:python|pypy)(\d+)(?:\.(\d+))?", os.path.basename(os.path.realpath(python)))
    if known and known.group(2):
        return (int(known.group(1)), int(known.group(2))) < OLDEST
    try:
        with open(
            os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(python))), "pyvenv.cfg"), encoding="utf-8"
        ) as file:
            version = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", file.read(), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        version = None
    if version:
        return (int(version.group(1)), int(version.group(2))) < OLDEST
    return known is not None and known.group(1) == "2"


def program(words: Sequence[str]) -> str:
    """Returns the name of a started program without its arguments: "git", "python worker.py".

    Example:
        >>> program(["/bin/sh", "-c", "git rev-parse HEAD"])
        'git'
    """
    if not words:
        return ""
    name = os.path.basename(words[0])
    line = _line(words)
    if line:
        return os.path.basename(line[0].strip("\"'(;")) or name
    parsed = python_command(words[0], words, os.environ) if is_python(words[0]) else None
    if parsed is None:
        return "python" if is_python(words[0]) else name
    if parsed.shown == WORKER:
        return WORKER
    target = {"module": f"-m {parsed.target}", "code": "-c"}.get(parsed.mode, os.path.basename(parsed.target))
    return f"python {target}"


def variables_of(environment: Any) -> Mapping[str, str]:
    """Returns the variables of a started program, from the argument of an audit event.

    None stands for the variables of this process. The result is empty if the argument is invalid.
    """
    if environment is None:
        return os.environ
    try:
        return {os.fsdecode(name): os.fsdecode(value) for name, value in dict(environment).items()}
    except (TypeError, ValueError):
        return {}


def shown(words: Sequence[str]) -> str:
    """Returns a command as one types it; only the beginning of a long one."""
    import shlex

    more = " …" if len(words) > SHOWN_WORDS else ""
    return shlex.join(words[:SHOWN_WORDS]) + more


def _line(words: Sequence[str]) -> list[str]:
    """Returns roughly the words of the first command in `sh -c "A=1 git status | head"`; [] for other commands."""
    if os.path.basename(words[0]) not in SHELLS or "-c" not in words[1:-1]:
        return []
    line = words[list(words).index("-c") + 1].split()
    while line and (line[0] == "exec" or ASSIGNMENT.fullmatch(line[0])):
        line.pop(0)
    return line


def _parsed(command: list[str], at: int, assigned: Mapping[str, str]) -> PythonCommand | None:
    options: list[str] = []
    rest = command[at + 1 :]
    while rest:
        word = rest.pop(0)
        if word == "-":
            return None
        if word == "--" or not word.startswith("-"):
            target = word if word != "--" else rest.pop(0) if rest else ""
            return _python(command, at, options, "script", target, rest, assigned) if target else None
        if word.startswith("--"):
            if word != "--check-hash-based-pycs" or not rest:
                return None
            options += [word, rest.pop(0)]
            continue
        for number, letter in enumerate(word[1:], 1):
            value = word[number + 1 :]
            if letter in ENDS_AT_ONCE or letter in SKIPS_A_LINE:
                return None
            if letter in "cm":
                options += [word[:number]] if number > 1 else []
                if not value and not rest:
                    return None
                return _python(
                    command, at, options, "module" if letter == "m" else "code", value or rest.pop(0), rest, assigned
                )
            if letter in "WX":
                options += [word] if value else [word, *rest[:1]]
                rest = rest if value else rest[1:]
                break
        else:
            options.append(word)
    return None


def _python(
    command: list[str],
    at: int,
    options: list[str],
    mode: str,
    target: str,
    arguments: list[str],
    assigned: Mapping[str, str],
) -> PythonCommand:
    return PythonCommand(
        before=tuple(command[: at + 1]),
        options=tuple(options),
        mode=mode,
        target=target,
        arguments=tuple(arguments),
        assigned=assigned,
        layers=at,
    )


def _wrapped(command: list[str], at: int) -> int:
    """Returns the position of the program that a wrapper runs."""
    for index in range(at + 1, len(command)):
        word = command[index]
        if word.startswith("-") or ASSIGNMENT.fullmatch(word):
            continue
        if is_python(word) or os.path.basename(word) in WRAPPERS or _shebang(word):
            return index
    return len(command)


def _simple(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]] | None:
    """Returns the variables and words of `sh -c "A=1 exec python train.py"`; None for anything more complex."""
    import shlex

    if len(arguments) != 2 or arguments[0] != "-c" or BEYOND_WORDS.search(arguments[1]):
        return None
    try:
        words = shlex.split(arguments[1])
    except ValueError:
        return None
    variables: dict[str, str] = {}
    while words and (words[0] == "exec" or ASSIGNMENT.fullmatch(words[0])):
        name, assigns, value = words.pop(0).partition("=")
        if assigns:
            variables[name] = value
    return (variables, words) if words and not words[0].startswith("-") else None


def found(name: str, environment: Mapping[str, str]) -> str:
    """Returns the path of a program, as a shell finds it; the name itself if there is none."""
    if os.sep in name:
        return name
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return name


def _shebang(path: str) -> list[str]:
    """Returns the interpreter of a file that begins with `#!`, and its argument."""
    try:
        if not os.path.isfile(path):
            return []
        with open(path, "rb") as file:
            line = file.read(SHEBANG_BYTES)
    except (OSError, ValueError):
        return []
    if not line.startswith(b"#!"):
        return []
    words = line[2:].split(b"\n", 1)[0].decode("utf-8", "surrogateescape").strip().split(None, 1)
    if len(words) == 2 and os.path.basename(words[0]) == "env" and words[1].startswith("-S"):
        return [words[0], *words[1].removeprefix("-S").split()]
    return words
