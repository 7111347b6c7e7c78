"""What one process that runs the script shows: its fits, its loops of other calls, its ending, its other processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.recording.model.fit import Fit
from fitdoctor.recording.model.site import Duration, HotLine, Site
from fitdoctor.recording.model.system import System
from fitdoctor.recording.model.version import VERSION


@dataclass(slots=True, kw_only=True)
class Traced:
    """A function of the user's that TensorFlow traces, called from one place of theirs."""

    # Where the function is defined.
    function: Site
    # Where it is called.
    site: Site
    # The time of its traces.
    traces: Duration = field(default_factory=Duration)


@dataclass(slots=True, kw_only=True)
class CallSiteRecord:
    """All calls of `predict`, `evaluate` or `…_on_batch` from one place. Validation inside fit is left out."""

    # The name of the method.
    kind: str
    # Where it is called.
    site: Site
    # The index of the fit whose callback makes the calls; -1 where the script itself does.
    inside: int = -1
    # The name of the callback's hook, or "".
    hook: str = ""
    # How often it is called.
    calls: int = 0
    # Rows of one call. None where unknown.
    rows: int | None = None
    # Samples of a batch. None where unknown.
    batch_size: int | None = None
    # Whether XLA compiles the model.
    jit_compile: bool = False
    # Where the model is compiled.
    compile_site: Site | None = None
    # The calls that ran as written.
    run: Duration = field(default_factory=Duration)
    # The calls that the scout replaces to save time.
    substituted: Duration = field(default_factory=Duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSetting:
    """A number of threads that is set by a variable of the environment, or by a call of the script."""

    # The variable ("OMP_NUM_THREADS") or the call ("tf.config.threading.set_intra_op_parallelism_threads").
    name: str
    # The number of threads.
    value: int
    # The line that sets it. None where the variable is set outside of the script.
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class Ending:
    """How a process ends."""

    # The way: finished, exception, exit, limit, blocked-write, interrupted, killed or declined.
    how: str = "unfinished"
    # The exit code. None where unknown.
    code: int | None = None
    # The type of the exception.
    error: str = ""
    # The text of the exception, or the reason.
    message: str = ""
    # The line of the user's code that it happens at.
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class OtherProcess:
    """Another process that the script causes."""

    # "forked", "started" (a Python program), or "replaced" (the script's process becomes another program, which can't
    # be followed).
    kind: str
    # The program. For "started", the arguments of `python`.
    command: str = ""
    # The variables of the environment that it has and the script has not.
    environment: list[str] = field(default_factory=list)
    # The line of the user's code that causes it.
    site: Site | None = None
    # Whether fit is called in it.
    fits: bool = False


@dataclass(slots=True, kw_only=True)
class SideEffect:
    """Something that runs of the script do and that no file system can hold back."""

    # "connection" (to a host and port), "socket" (of a local service), "listening" (on a host and port) or "program".
    kind: str
    # The host and port, the path, or the program.
    what: str
    # The number of runs that do it.
    runs: int = 0
    # The line of the user's code that does it first.
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class ProcessRecord:
    """One process that runs the script through: a scout, which ends each fit early, or a watched training.

    It has many fields because it is one object of the JSON format, whose names are fixed.
    """

    # The version of the format.
    version: int = VERSION
    # Versions, hardware and the like, by name.
    environment: dict[str, Any] = field(default_factory=dict)
    # Seconds from the start of the process to its end.
    wall_s: float = 0.0
    # Seconds of the parts of that time: "imports", "start", "fit", "script", "shutdown", …
    parts: dict[str, float] = field(default_factory=dict)
    # The fits, one for each place.
    fits: list[Fit] = field(default_factory=list)
    # The calls of `predict` and the like, one record for each place.
    loops: list[CallSiteRecord] = field(default_factory=list)
    # The functions of the user's that are traced.
    traced: list[Traced] = field(default_factory=list)
    # The costliest lines of the script before its first fit or loop.
    start_lines: list[HotLine] = field(default_factory=list)
    # The share of that time that all of the script's lines take.
    start_lines_share: float = 0.0
    # How the process ends.
    ending: Ending = field(default_factory=Ending)
    # Sentences: what could not be measured, and why.
    limits: list[str] = field(default_factory=list)
    # Files that are saved elsewhere to protect the user's.
    redirected: list[str] = field(default_factory=list)
    # Hashes of the script and of those of the user's modules in its folder that it imports.
    sources: dict[str, str] = field(default_factory=dict)
    # How many calls ran with changes.
    treated_calls: int = 0
    # The other processes that the script causes.
    others: list[OtherProcess] = field(default_factory=list)
    # The numbers of threads that are set.
    threads: list[ThreadSetting] = field(default_factory=list)
    # The most memory that the process holds.
    peak_rss_bytes: int = 0
    # What was sampled from outside of the process. None where nothing was.
    system: System | None = None
