"""What rehearsals measure: arms, their windows, races between trainings, and whole processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.recording.model.learning import ModelInspection
from fitdoctor.recording.model.process import Ending
from fitdoctor.recording.model.version import VERSION


@dataclass(slots=True, kw_only=True)
class Window:
    """A stretch of units of one arm between two synchronisations: what is timed."""

    # The arm's id.
    arm: str
    # The round that it belongs to. Each arm has one window in a round.
    round: int
    # Its place in the order of the round.
    order: int
    # Seconds of the window.
    seconds: float
    # The number of its units.
    units: int
    # Seconds in which the process waited for a core.
    queue_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Arm:
    """One variant of the training in a rehearsal."""

    # A short name within the rehearsal.
    id: str
    # "baseline", "placebo" (the baseline again, for the A/A test), "ceiling", "remedy" or "prescription" (some remedies
    # together).
    role: str
    # What its windows repeat: "step", "epoch_end", "validation", "call", "stretch" (steps without a pause) or "process"
    # (steps of a process with another environment). An arm of the unit "race" has no windows: it runs in the race.
    unit: str
    # The id of the remedy.
    remedy: str = ""
    # The id of the cause that it treats.
    cause: str = ""
    # What it changes, in words.
    label: str = ""
    # The safety that the remedy declares.
    safety: str = "exact"
    # The changes, as data.
    changes: list[dict[str, Any]] = field(default_factory=list)
    # Seconds that the changes cost once.
    one_off_s: float = 0.0
    # Whether its batches equal the baseline's: "same", "close", "different", or "" where that could not be checked.
    batches: str = ""
    # The same for its weights after some steps.
    weights: str = ""
    # Whether it could not be run.
    failed: bool = False
    # Whether its windows ended early because the result was clear.
    dropped: bool = False
    # Why it failed, or could not be checked.
    why: str = ""
    # A sentence for the report on what was learned while the arm was prepared.
    note: str = ""
    # A sentence: why its result does not count.
    doubt: str = ""
    # The parts of an epoch that its windows hold, where the unit is a whole epoch: "start", "epoch_end", "validation".
    parts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """The state of a training in a race after some steps."""

    # Steps since its begin.
    steps: int
    # The loss, or the metric, on the data that the race is judged on. None if not finite.
    score: float | None
    # Seconds of the steps since the lap before. The evaluation is left out.
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class RaceRun:
    """One training in a race, of one arm."""

    # The arm's id.
    arm: str
    # The repetition. All runs of one repetition begin with the same weights.
    repetition: int
    # Its laps, in order.
    laps: list[Lap] = field(default_factory=list)
    # Whether it ended by the rules of the race, and not because its time was over.
    finished: bool = False
    # Whether the script's own stopping rule ended it, at the end of an epoch.
    stopped: bool = False


@dataclass(slots=True, kw_only=True)
class Race:
    """Trainings with and without changes that race to the same validation score."""

    # The data that scores come from: "validation data", "held-out rows" or "training data".
    judged_on: str = ""
    # The name of the metric that is the score.
    metric: str = "loss"
    # Whether a higher value of the metric is better. The score is then 1 minus the value, so that lower is always
    # better.
    upwards: bool = False
    # The callbacks that may end a run, by name, as they may end the fit.
    rule: str = ""
    # Rows of the data that scores come from.
    rows: int = 0
    # What differs between repetitions: "weights and order" or "order".
    varied: str = ""
    # Steps of the baseline in one whole call of fit.
    training_steps: int = 0
    # Samples of a batch of the baseline.
    batch_size: int = 0
    # The first repetition that counts. Those before only choose which arms go on.
    counted_from: int = 0
    # The runs.
    runs: list[RaceRun] = field(default_factory=list)
    # Seconds of the whole race.
    wall_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class ProcessRun:
    """One short process of a comparison of environments."""

    # The id of the arm whose environment it has.
    arm: str
    # The pair that it belongs to.
    pair: int
    # Seconds from its start to its first window.
    startup_s: float = 0.0
    # The model's weights after some steps; see `probe.trials.units.process`. Where the script is seeded, each process
    # starts with the same weights.
    weights: dict[str, Any] = field(default_factory=dict)
    # The most memory that the process and its children hold.
    peak_rss_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """A process that runs the script up to one fit or loop and measures arms there."""

    # The version of the format.
    version: int = VERSION
    # "fit" or "loop".
    target: str = "fit"
    # The index of that fit or loop.
    index: int = 0
    # The arms.
    arms: list[Arm] = field(default_factory=list)
    # The windows, in the order in which they ran.
    windows: list[Window] = field(default_factory=list)
    # The race. None where there was none.
    race: Race | None = None
    # The inspection of the model before the trials. None where there was none.
    inside: ModelInspection | None = None
    # The processes of a comparison of environments. The round of a window is then the pair of its process.
    processes: list[ProcessRun] = field(default_factory=list)
    # How often the process had to be started again.
    restarts: int = 0
    # The most memory that a process and its children hold.
    peak_rss_bytes: int = 0
    # Seconds from the start of the process to the fit or loop.
    startup_s: float = 0.0
    # Seconds of the whole rehearsal.
    wall_s: float = 0.0
    # How the process ends.
    ending: Ending = field(default_factory=Ending)
    # Sentences: what could not be measured, and why.
    limits: list[str] = field(default_factory=list)
