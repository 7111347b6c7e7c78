"""Reads a command line as the system would:

whether it runs Python, with what options, and which program of the user's.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PYTHON = re.compile(r"(python|pypy)(\d+(\.\d+)*)?[td]?(-\w+)?(\.exe)?")
WRAPPERS = frozenset(
    """
    env nice ionice numactl taskset chrt setarch stdbuf nohup setsid time timeout catchsegv xvfb-run prlimit flock
    """.split()  # noqa: SIM905 - a list of words is read and edited more easily so
)
"""Programs that run the command which stands further right in their own."""
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
BEYOND_WORDS = re.compile(r"[|&;<>()$`*?\[\]~{}!\n#\\]")
"""What makes a line of a shell more than a list of words."""
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
LAUNCHERS = frozenset({"torchrun", "accelerate", "horovodrun", "mpirun", "mpiexec", "srun", "deepspeed", "ray"})
LAUNCHER_MODULES = (
    "torch.distributed.run",
    "torch.distributed.launch",
    "accelerate.commands.launch",
    "horovod.runner.launch",
)
SEVERAL = (
    "The script starts “{}”{}: a training on several processes. Expected one process, the only kind that can be diagnosed so far. "
    "Diagnose the script itself on one device, without its launcher."
)
ENDS_AT_ONCE = "hV?"
"""Options of Python with which no program is run."""
SKIPS_A_LINE = "x"
SPEC = "FITDOCTOR_SPEC"
"""Environment variable by which a Python program finds the specification of the script that started it."""
MOST_LAYERS = 5
SHEBANG_BYTES = 256
OLDEST = (3, 10)
"""The oldest Python that the probe runs in."""
WORKER_CODE = ("from multiprocessing.", "from joblib.externals.loky", "from loky", "from billiard.")
WORKER_MODULES = ("joblib.", "loky.", "pyspark.", "ray.", "distributed.", "dask.", "billiard.")
LIBRARIES = re.compile(r"[\\/](site|dist)-packages[\\/]")
WORKER = "a worker process"
SHOWN_WORDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCommand:
    """A command that runs Python.

    Attributes:
        before: What stands before the options of Python, its own name included.
        options: Those of Python, without -m and -c.
        mode: "script", "module" or "code".
        target: The path, the name of the module, or the code.
        arguments: Those of the program.
        assigned: Variables that the command sets for it.
        layers: Of `before`, how many words are those of other programs that run the interpreter.
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
        """The program as it is given to `python`, for a message; the worker of a library by what it is."""
        beginnings = {"code": WORKER_CODE, "module": WORKER_MODULES}.get(self.mode, ())
        if self.target.startswith(beginnings) or self.mode == "script" and LIBRARIES.search(self.target):
            return WORKER
        flag = {"module": ["-m"], "code": ["-c"]}.get(self.mode, [])
        return shown([*flag, self.target, *self.arguments])

    @property
    def is_launcher(self) -> bool:
        return self.mode == "module" and self.target in LAUNCHER_MODULES


def python_command(path: str, words: Sequence[str], environment: Mapping[str, str]) -> PythonCommand | None:
    """The Python that a command runs, or None where it runs none, or that can't be told from the command.

    Args:
        path: The program.
        words: The whole command. The first word is only a name.
        environment: What it is started with, for its PATH.

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
    """Whether a word names an interpreter, by its name or as the one that runs this."""
    if PYTHON.fullmatch(os.path.basename(word)):
        return True
    try:
        return bool(sys.executable) and os.path.samefile(word, sys.executable)
    except (OSError, ValueError):
        return False


def is_launcher(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a command starts a training on several processes."""
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
    """Whether an interpreter is known to be older than what the probe runs in:

    by its name, or by its virtual environment.
    """
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
    """What a command starts, in few words and without its arguments: "git", "python worker.py".

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


def shown(words: Sequence[str]) -> str:
    """A command as one would type it; of a long one, its beginning."""
    import shlex

    more = " …" if len(words) > SHOWN_WORDS else ""
    return shlex.join(words[:SHOWN_WORDS]) + more


def _line(words: Sequence[str]) -> list[str]:
    """Roughly the words of the first command in `sh -c "A=1 git status | head"`; none of another command."""
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
    """Where the program stands that a wrapper runs."""
    for index in range(at + 1, len(command)):
        word = command[index]
        if word.startswith("-") or ASSIGNMENT.fullmatch(word):
            continue
        if is_python(word) or os.path.basename(word) in WRAPPERS or _shebang(word):
            return index
    return len(command)


def _simple(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]] | None:
    """The variables and the words of `sh -c "A=1 exec python train.py"`, or None for all that only a shell understands."""
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
    """The path of a program, as a shell looks it up; the name itself where there is none."""
    if os.sep in name:
        return name
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return name


def _shebang(path: str) -> list[str]:
    """The interpreter of a file that begins with `#!`, and the one argument that the system gives it."""
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
