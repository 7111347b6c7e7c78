"""What one child process measured, as plain data.

The classes are standard-library dataclasses, because the probe fills them inside the user's process, where nothing but the
standard library may be imported; `recording.load` validates them with msgspec in ours. All durations are seconds of wall time on
the main thread. Bump `VERSION` whenever the meaning of a field changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place in the user's code: the innermost frame that is theirs.

    `arguments` maps the keywords written in the call to the line each one stands on, so that a finding can point at
    `run_eagerly=True` itself and not at the first line of a call that spans ten.
    """

    file: str
    line: int
    function: str = "<module>"
    code: str = ""
    arguments: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Duration:
    """How often something happened and what it cost. `samples_s` holds a few hundred, evenly spread, without the first."""

    count: int = 0
    total_s: float = 0.0
    first_s: float = 0.0
    samples_s: list[float] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Operation:
    """One call in the chain that made a `tf.data.Dataset`, from the source (position 0) to the end."""

    name: str
    position: int
    site: Site | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    function: Site | None = None
    python: bool = False
    by_keras: bool = False


@dataclass(slots=True, kw_only=True)
class HotLine:
    """A line of the user's that samples of the stack found running: in `where` ("input" or a hook's name), `share` of that time."""

    where: str
    site: Site
    share: float


@dataclass(slots=True, kw_only=True)
class CallbackRecord:
    """One callback of a fit. `hooks` maps `on_epoch_end` and the like to what they cost, nested Keras calls left out."""

    index: int
    name: str
    module: str
    own: bool
    site: Site | None = None
    source: Site | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, Duration] = field(default_factory=dict)
    may_stop: bool = False
    steers: bool = False


@dataclass(slots=True, kw_only=True)
class Fit:
    """All calls of `fit` from one place.

    `steps_per_epoch` is None while unknown. `steps_basis` is "declared" (from the arguments or the data's own length),
    "counted" (an epoch was run to its end) or "unknown". `epochs_seen` and the durations are sums over `calls_run` calls;
    `calls` counts the skipped ones too. `step` leaves out each call's first step, which is `first_step` (it traces and compiles).
    `function` is the part of a step inside the train function: the rest of the step is Python around it.
    """

    site: Site
    calls: int = 0
    calls_run: int = 0
    epochs: int = 1
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    steps_basis: str = "unknown"
    batch_size: int | None = None
    input_kind: str = "unknown"
    operations: list[Operation] = field(default_factory=list)
    steps_per_execution: int = 1
    run_eagerly: bool = False
    eager_globally: bool = False
    eager_site: Site | None = None
    jit_compile: bool = False
    compile_site: Site | None = None
    optimizer: str = ""
    parameters: int = 0
    verbose: Any = "auto"
    callbacks: list[CallbackRecord] = field(default_factory=list)
    hot_lines: list[HotLine] = field(default_factory=list)
    validation: str = ""
    validation_kind: str = "none"
    validation_steps: int | None = None
    validation_batch_size: int | None = None
    validation_freq: Any = 1
    epochs_seen: int = 0
    stopped_at: int | None = None
    cut: bool = False
    declined: str = ""
    setup: Duration = field(default_factory=Duration)
    first_step: Duration = field(default_factory=Duration)
    step: Duration = field(default_factory=Duration)
    function: Duration = field(default_factory=Duration)
    logs: Duration = field(default_factory=Duration)
    validation_first_step: Duration = field(default_factory=Duration)
    validation_step: Duration = field(default_factory=Duration)
    validation_overhead: Duration = field(default_factory=Duration)
    epoch_boundary: Duration = field(default_factory=Duration)
    teardown: Duration = field(default_factory=Duration)


@dataclass(slots=True, kw_only=True)
class Loop:
    """All calls of `predict`, `evaluate` or `…_on_batch` from one place outside fit's own validation.

    `inside` is the index of the fit whose callback made the calls and `hook` that hook's name; -1 and "" where the script itself
    did. `run` are calls that ran as written, `substituted` those that the scout replaced to save time.
    """

    kind: str
    site: Site
    inside: int = -1
    hook: str = ""
    calls: int = 0
    rows: int | None = None
    batch_size: int | None = None
    run: Duration = field(default_factory=Duration)
    substituted: Duration = field(default_factory=Duration)


@dataclass(slots=True, kw_only=True)
class Ending:
    """How a child ended: finished, exception, exit, limit, blocked-write, interrupted, killed or declined."""

    how: str = "unfinished"
    code: int | None = None
    error: str = ""
    message: str = ""
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class Scout:
    """What the first child learned: the script run through, cut short at every call site."""

    version: int = VERSION
    environment: dict[str, Any] = field(default_factory=dict)
    wall_s: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    fits: list[Fit] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    ending: Ending = field(default_factory=Ending)
    limits: list[str] = field(default_factory=list)
    redirected: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Window:
    """A stretch of units of one arm between two synchronisations. `queue_s` is how long the process waited for a core."""

    arm: str
    round: int
    order: int
    seconds: float
    units: int
    queue_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Arm:
    """One variant in a rehearsal.

    `role` is "baseline", "placebo" (the baseline again, the A/A arm), "ceiling", "remedy" or "prescription" (remedies together).
    `unit` is what its windows repeat: "step", "epoch_end", "validation", "call", or "stretch" (steps without a pause). `batches` and
    `weights` say what the verification found: "same", "close", "different", or "" where it could not be checked; `why` says why
    not, or why the arm failed.
    """

    id: str
    role: str
    unit: str
    remedy: str = ""
    cause: str = ""
    label: str = ""
    safety: str = "exact"
    changes: list[dict[str, Any]] = field(default_factory=list)
    one_off_s: float = 0.0
    batches: str = ""
    weights: str = ""
    failed: bool = False
    dropped: bool = False
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """What one later child measured: arms, and their windows in the order in which they ran."""

    version: int = VERSION
    target: str = "fit"
    index: int = 0
    arms: list[Arm] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    startup_s: float = 0.0
    wall_s: float = 0.0
    ending: Ending = field(default_factory=Ending)
    limits: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Run:
    """All recordings of one diagnosis: what `fitdoctor report RUN` analyses again without running anything."""

    version: int = VERSION
    fitdoctor: str = ""
    script: str = ""
    argv: list[str] = field(default_factory=list)
    mode: str = "script"
    started: str = ""
    budget_s: float = 0.0
    spent_s: float = 0.0
    scout: Scout | None = None
    rehearsals: list[Rehearsal] = field(default_factory=list)
    changed_files: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
