"""The result of a diagnosis:

the one source of every rendering. Its JSON Schema is published as `docs/report.schema.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA_VERSION = 1

# How far a diagnosis has come. A training that was only watched is described as it ran: nothing was tried or promised.
ReportStage = Literal["first answer", "final", "watched"]
Safety = Literal["exact", "numerics", "semantics"]

#: The backends of Keras by their names, as a reader knows them. `tf_keras` is Keras 2, which runs on TensorFlow only.
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", "tf_keras": "tf_keras"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % interval with its best estimate."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    file: str
    line: int
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact in the user's own numbers.

    `text` is a whole sentence; `value` and `unit` are its figure, for machines.
    """

    text: str
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The same remedy with another setting, which its trial found no better."""

    label: str
    verdict: Literal["measured", "refuted", "inconclusive", "failed"]
    unit_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToTarget:
    """How a remedy that changes the training did in races to the same validation loss.

    `reached` is in how many of how many races it came to `target`, a value of `metric` that the training as it stands
    comes to. `low`, `mid` and `high` say how many times sooner it did. Where the target is `beyond` what the training
    as it stands came to, they are what it is at least. `covered` is the share of the whole training that was raced.
    `reached_low` and `reached_high` bound the share of races that come to the target (95 %, Clopper and Pearson).
    `varied` is what differed between the races. Where `by_rule`, the times are those until the script's own stopping
    rule ended the training, at a level that was no worse.
    """

    reached: tuple[int, int]
    low: float
    mid: float
    high: float
    metric: str
    target: float | None
    covered: float
    beyond: bool = False
    reached_low: float = 0.0
    reached_high: float = 1.0
    varied: str = ""
    by_rule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyResult:
    """A remedy of a cause and what its trial said.

    `speedup` is of the whole projected run; `unit_ratio` of the unit that was timed (a step, an epoch end, a call).
    `note` is a sentence on what the trial rests on, where that is less than the whole.
    """

    id: str
    title: str
    safety: Safety
    status: Literal["measured", "refuted", "inconclusive", "untried"]
    verified_safety: Safety | None = None
    speedup: Interval | None = None
    unit: str = ""
    unit_ratio: Interval | None = None
    one_off_s: float = 0.0
    breaks_even_at: int | None = None
    quality: str = ""
    why: str = ""
    how: str = ""
    note: str = ""
    time_to_target: TimeToTarget | None = None
    variants: tuple[Variant, ...] = ()

    def __repr__(self) -> str:
        """One line: what, how it came out, and what to write."""
        gain = f" {self.speedup.mid:.2f}× as fast" if self.speedup else ""
        return f"<{self.id}: {self.status}{gain}{f', {self.how}' if self.how else ''}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseResult:
    """A cause that holds here. `how` of its remedies says in one line what to write in the source."""

    id: str
    family: str
    title: str
    status: Literal["measured", "estimated", "informative"]
    cost_s: Interval
    share: float
    locations: tuple[Location, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[RemedyResult, ...] = ()

    def __repr__(self) -> str:
        """One line: what, where, and what it costs."""
        place = f" at {self.locations[0].file}:{self.locations[0].line}" if self.locations else ""
        return f"<{self.id}{place}: {self.cost_s.mid:.4g} s, {self.share:.0%} of the training, {self.status}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One arm of one rehearsal, refuted ones and the placebo included."""

    remedy: str
    cause: str
    role: Literal["placebo", "ceiling", "remedy", "prescription"]
    unit: str
    windows: int
    unit_ratio: float | None
    interval: Interval | None
    verdict: Literal["measured", "refuted", "inconclusive", "failed", "reference"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the budget. The children of a part sum to it, and the parts to the whole."""

    id: str
    label: str
    s: float
    share: float
    children: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where the time goes.

    `overlapped` ran beside the parts, hidden behind computing: it costs nothing, and no part holds it.
    """

    total_s: float
    parts: tuple[Part, ...]
    unattributed_s: float
    overlapped: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Where a fit stood after an epoch: `s` seconds after its call began, with what callbacks got as logs."""

    call: int
    epoch: int
    s: float
    learning_rate: float | None
    logs: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLearning:
    """How a layer learns, as far as that was seen; None where it was not.

    `moved_share` is by how much of their own size an epoch moves its weights, in a sample of them. The rest is of one
    batch, when the fit began: the norms of its weights and of the gradient by them, and of what it put out the mean,
    the deviation, the share of units that gave nothing but zeros (`dead_units`) and of outputs at the flat ends of its
    activation (`saturated`).
    """

    layer: str
    kind: str = ""
    activation: str = ""
    moved_share: float | None = None
    weight_norm: float | None = None
    gradient_norm: float | None = None
    output_mean: float | None = None
    output_std: float | None = None
    dead_units: float | None = None
    saturated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """The numbers of one part of what a fit is fed, from a sample of `rows` rows: "evenly spaced" ones, or those of the
    "first batches".

    `least_std` and `most_std` are those of single features. `classes` is how many there are where each row is one, and
    `largest_class` the share of the most frequent; 0 elsewhere. None stands for what is beyond any number.
    """

    name: str
    dtype: str
    sample: Literal["evenly spaced", "first batches"]
    rows: int
    features: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    least_std: float | None
    most_std: float | None
    zeros: float
    nonfinite: float
    classes: int
    largest_class: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What was seen of how a fit learns. `missing` says what could not be, and why."""

    curve: tuple[CurvePoint, ...] = ()
    layers: tuple[LayerLearning, ...] = ()
    data: tuple[DataSummary, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSummary:
    site: Location
    calls: int
    epochs: int
    steps_per_epoch: int | None
    batch_size: int | None
    share: float
    learning: Learning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSummary:
    site: Location
    kind: str
    calls: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the whole training is and how long it takes as it stands."""

    backend: str
    fits: tuple[FitSummary, ...]
    loops: tuple[LoopSummary, ...]
    projected_s: float
    basis: Literal["declared", "upper bound", "observed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most that any remedy of a kind could give: the whole run with that part for free."""

    kind: Literal["input", "callbacks", "validation"]
    speedup: float
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """The changes of a prescription at one call site, as `changes.model` describes them."""

    kind: str
    file: str
    line: int
    changes: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """The remedies that are best together.

    `measured_together` is False where their combination was only projected. `measured_in` says where it was measured:
    in a "fresh process", all of it against the script as it is, or in the "same process" as the trials of its parts; ""
    where it was not. `projected` is the whole run with it in seconds; its interval also holds what one process of a
    script differs by from the next. `interaction` is a sentence, where the parts give together clearly more or less
    than each on its own let expect.
    """

    remedies: tuple[str, ...]
    safety: Safety
    speedup: Interval
    projected_s: float
    measured_together: bool
    how: tuple[str, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    projected: Interval | None = None
    measured_in: Literal["fresh process", "same process", ""] = ""
    interaction: str = ""

    def __repr__(self) -> str:
        """One line: what, and what it saves."""
        return f"<{' + '.join(self.remedies)}: {self.speedup.mid:.2f}× as fast, {self.safety}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    python: str = ""
    keras: str = ""
    backend: str = ""
    backend_version: str = ""
    platform: str = ""
    cores: int = 0
    devices: tuple[str, ...] = ()
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """For which share of the time work of this machine stood still for want of something: some of it, or all of it."""

    some: float
    full: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuWindow:
    """An accelerator meanwhile. Of `busy_share` on these are means over the time, but for memory, which is the most."""

    device: str
    busy_share: float | None = None
    memory_used_bytes: float | None = None
    memory_bytes: int = 0
    clock_share: float | None = None
    slowed_by_heat: float | None = None
    slowed_by_power: float | None = None
    slowed_by_hardware: float | None = None
    pcie_in_bytes_per_s: float | None = None
    pcie_out_bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemWindow:
    """What the machine and the processes of the training did for some seconds, seen from outside; None is what the
    system does not tell.

    `process_cores` and `others_cores` say how many of the `cores` that the training may run on worked for it, and for
    others. `main_waited_share` is for how long its main thread was ready to run and had no core, `waiting_threads` how
    many of its threads were at a time. `stalls` are those for "cpu", "memory" and "io". `disk_…` is what its processes
    had from disks, `read_…` and `written_…` what they asked for, `reread_bytes` what had to be read from files again as
    memory was short. `memory_left_bytes` is the least that was left, of the machine or of its control groups,
    `memory_limit_bytes` the smaller of the two. `throttled_share` is of the periods of the limit of `cpu_limit_cores`.
    `clock_share` is against the highest clock.
    """

    seconds: float
    cores: int = 0
    process_cores: float | None = None
    others_cores: float | None = None
    stolen_cores: float | None = None
    busiest_core: float | None = None
    main_waited_share: float | None = None
    waiting_threads: float | None = None
    stalls: dict[str, Stall] = field(default_factory=dict)
    rss_most_bytes: float | None = None
    rss_bytes_per_s: float | None = None
    threads: float | None = None
    processes: float | None = None
    major_faults: float | None = None
    swapped_in_bytes: float | None = None
    swapped_out_bytes: float | None = None
    reread_bytes: float | None = None
    memory_left_bytes: float | None = None
    memory_limit_bytes: float | None = None
    disk_read_bytes_per_s: float | None = None
    disk_written_bytes_per_s: float | None = None
    read_bytes_per_s: float | None = None
    written_bytes_per_s: float | None = None
    machine_disk_read_bytes_per_s: float | None = None
    machine_disk_busy_share: float | None = None
    network_in_bytes_per_s: float | None = None
    network_out_bytes_per_s: float | None = None
    cpu_limit_cores: float | None = None
    throttled_share: float | None = None
    clock_share: float | None = None
    heat_slowed_share: float | None = None
    gpus: tuple[GpuWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSummary:
    """The whole process, and each of `training.fits` in that order; None for a fit that was too short to be seen.

    `remarks` are sentences on what of it held up the largest fit.
    """

    whole: SystemWindow
    fits: tuple[SystemWindow | None, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a diagnosis found.

    `verdict` is "causes", "healthy" or "inconclusive"; `verdict_text` says in a sentence what it rests on. A run whose
    `stage` is "watched" tried nothing: it is never healthy. `can_go_on` says that `fitdoctor diagnose` can take it up.
    `treat` is the command that trains with the prescription, empty where there is none. `alternative` changes the
    training and won its races; it is offered beside a `prescription` that leaves the training as it is. `system` is
    what was seen of the process that the report rests on, from outside. `protection` says what kept the user's files as
    they are while the script was tried: a "layer" that took all writes, or the "guard" in Python, which C libraries
    pass by; `protection_note` says why there was no layer. `changed_files` are, under a layer, what the script would
    have changed. `interrupted` says where the diagnosis, or the training that was watched, was when it was ended early;
    it is empty where it was not. `side_effects` are sentences on what the runs of a diagnosis did that no file system
    holds back: connections, and programs that they started.
    """

    schema_version: int
    fitdoctor: str
    script: str
    environment: Environment
    training: Training
    budget: Budget
    verdict: Literal["causes", "healthy", "inconclusive"]
    verdict_text: str
    ceilings: tuple[Ceiling, ...] = ()
    causes: tuple[CauseResult, ...] = ()
    tried: tuple[Tried, ...] = ()
    limits: tuple[str, ...] = ()
    prescription: Prescription | None = None
    alternative: Prescription | None = None
    changed_files: tuple[str, ...] = ()
    protection: Literal["layer", "guard", ""] = ""
    protection_note: str = ""
    side_effects: tuple[str, ...] = ()
    run: str = ""
    stage: ReportStage = "final"
    can_go_on: bool = False
    treat: str = ""
    interrupted: str = ""
    system: SystemSummary | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """The report as text, without colours."""
        from fitdoctor.report.text import render

        return render(self).strip("\n")

    def __repr__(self) -> str:
        """What a prompt shows of it."""
        return str(self)

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"
