"""What a diagnosis asks of the process that runs trials, and what that process answers.

One dataclass for each command and each reply. Both sides import this module, so it needs the standard library only.
A message travels as one line of JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin, get_type_hints

from fitdoctor.recording.model import Arm, Window

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class ArmSpec:
    """An arm as a command names it: what the process needs to build it.

    `epoch_steps` are the steps of an epoch as the scout counted them, or None. `parts` are the parts of an epoch that
    the unit `whole` times.
    """

    id: str
    role: str = "remedy"
    unit: str = ""
    remedy: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    epoch_steps: int | None = None

    @classmethod
    def of(cls, arm: Arm, *, epoch_steps: int | None = None) -> ArmSpec:
        """The specification of a recorded arm."""
        return cls(
            id=arm.id, role=arm.role, unit=arm.unit, remedy=arm.remedy, changes=arm.changes, parts=arm.parts,
            epoch_steps=epoch_steps,
        )  # fmt: skip

    @property
    def is_placebo(self) -> bool:
        """Whether this is the A/A arm. It goes through all that a remedy goes through, with a function of its own."""
        return self.role == "placebo"


# Replies.


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The reply to a command that failed. Where `state_changed`, the state of the training could not be restored."""

    error: str
    state_changed: bool = False


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What it cost to build an arm, and what one unit of it takes.

    `note` and `sentence` say what was found out about its input: the one for the arm, the other for the report.
    `limits` are sentences on how arms are tried here.
    """

    one_off_s: float
    unit_s: float = 0.0
    note: str = ""
    sentence: str = ""
    limits: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Verified:
    """How an arm compares with the script as it is.

    `batches` and `weights` are "same", "close", "different", or "" where `why` says why they can't be compared.
    """

    batches: str = ""
    weights: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class TimedWindow:
    """One timed stretch. `queue_s` is how long the process waited for a core meanwhile."""

    seconds: float
    units: int
    queue_s: float = 0.0

    def recorded(self, arm_id: str, *, round_number: int, order: int) -> Window:
        """The window as a recording holds it."""
        return Window(
            arm=arm_id, round=round_number, order=order, seconds=self.seconds, units=self.units, queue_s=self.queue_s
        )


@dataclass(frozen=True, kw_only=True)
class WindowsMeasured:
    """One window of each arm, in the order of the command."""

    windows: list[TimedWindow]


@dataclass(frozen=True, kw_only=True)
class CallsTried:
    """The windows of a trial of calls, how each arm's results compare, and why there are none where there are none."""

    windows: list[Window] = field(default_factory=list)
    checks: dict[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class ProcessMeasured:
    """The windows of a whole process, and what some steps made of its weights."""

    windows: list[TimedWindow]
    weights: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelInspected:
    """A `ModelInspection` of the recording, as data."""

    inside: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RacerReady:
    """What a step of a racer takes, or `why` the racer can't run."""

    step_s: float = 0.0
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class RacePrepared:
    """The racers, and how they are scored."""

    arms: dict[str, RacerReady]
    judged_on: str
    rows: int
    score_s: float
    varied: str
    metric: str = "loss"
    upwards: bool = False
    rule: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """The score before the first step of a run."""

    score: float | None


@dataclass(frozen=True, kw_only=True)
class LapDone:
    """What a lap took and led to. `stopped` says that the script's own stopping rule ended the run."""

    seconds: float
    steps: int
    score: float | None
    stopped: bool = False


# Commands.


class Command(Generic[R]):
    """One command. `do` is its name in JSON, `reply` the class of its reply."""

    do: ClassVar[str]
    reply: ClassVar[type]

    def to_data(self) -> dict[str, Any]:
        """The command as JSON has it."""
        return {"do": self.do, **asdict(cast(Any, self))}

    def read_reply(self, data: dict[str, Any]) -> R | Failed:
        """The reply that JSON holds.

        Raises:
            ValueError: It holds no such reply.
        """
        try:
            return cast(R | Failed, _read(Failed if "error" in data else self.reply, data))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"no reply to {self.do}: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Prepare(Command[Prepared]):
    """Builds an arm and takes its first steps."""

    do: ClassVar[str] = "prepare"
    reply: ClassVar[type] = Prepared
    arm: ArmSpec


@dataclass(frozen=True, kw_only=True)
class Verify(Command[Verified]):
    """Compares the batches and the weights of an arm with the script's own."""

    do: ClassVar[str] = "verify"
    reply: ClassVar[type] = Verified
    arm: ArmSpec


@dataclass(frozen=True, kw_only=True)
class MeasureWindows(Command[WindowsMeasured]):
    """Times one window of each arm."""

    do: ClassVar[str] = "windows"
    reply: ClassVar[type] = WindowsMeasured
    arms: list[ArmSpec]


@dataclass(frozen=True, kw_only=True)
class TryCalls(Command[CallsTried]):
    """Lets a repeated call and its substitutes alternate while the script runs."""

    do: ClassVar[str] = "calls"
    reply: ClassVar[type] = CallsTried
    arms: list[ArmSpec]
    seconds: float
    rounds: int


@dataclass(frozen=True, kw_only=True)
class MeasureProcess(Command[ProcessMeasured]):
    """Times stretches of the fit as it is. The process can't be used for anything else afterwards."""

    do: ClassVar[str] = "process"
    reply: ClassVar[type] = ProcessMeasured
    stretches: int


@dataclass(frozen=True, kw_only=True)
class InspectModel(Command[ModelInspected]):
    """Takes one batch of at most `rows` rows through the model and back."""

    do: ClassVar[str] = "inside"
    reply: ClassVar[type] = ModelInspected
    rows: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class PrepareRace(Command[RacePrepared]):
    """Builds the racers; none is begun after `seconds` but the first."""

    do: ClassVar[str] = "race_prepare"
    reply: ClassVar[type] = RacePrepared
    arms: list[ArmSpec]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class AddRacer(Command[RacerReady]):
    """Builds one racer more."""

    do: ClassVar[str] = "race_add"
    reply: ClassVar[type] = RacerReady
    arm: ArmSpec


@dataclass(frozen=True, kw_only=True)
class StartRun(Command[RunStarted]):
    """Begins a run of the racer whose id is `arm`."""

    do: ClassVar[str] = "race_start"
    reply: ClassVar[type] = RunStarted
    arm: str
    repetition: int


@dataclass(frozen=True, kw_only=True)
class RaceLap(Command[LapDone]):
    """Trains the racer whose id is `arm` for some steps more, and takes its score."""

    do: ClassVar[str] = "race_lap"
    reply: ClassVar[type] = LapDone
    arm: str
    steps: int


@dataclass(frozen=True, kw_only=True)
class Quit(Command[None]):
    """Ends the process."""

    do: ClassVar[str] = "quit"
    reply: ClassVar[type] = type(None)


COMMANDS: dict[str, type[Command[Any]]] = {
    command.do: command
    for command in (
        Prepare, Verify, MeasureWindows, TryCalls, MeasureProcess, InspectModel,
        PrepareRace, AddRacer, StartRun, RaceLap, Quit,
    )
}  # fmt: skip


# Messages that the process sends without being asked.


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """The first message: the script came to the unit that is tried, after so many seconds, or ended before."""

    reached: bool = False
    seconds: float = 0.0
    ended: str = ""


@dataclass(frozen=True, kw_only=True)
class ArmTurn:
    """Comes before each window. It names the arm, so that the arm is known where the process does not survive it."""

    at: str


def to_data(message: Any) -> dict[str, Any]:
    """A reply or another message as JSON has it."""
    return asdict(message)


def read_command(data: dict[str, Any]) -> Command[Any]:
    """The command that JSON holds."""
    return cast("Command[Any]", _read(COMMANDS[data["do"]], data))


def read_arrival(data: dict[str, Any]) -> Arrival:
    """The first message of a process."""
    return cast(Arrival, _read(Arrival, data))


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields, without its class variables."""
    return {name: hint for name, hint in get_type_hints(kind).items() if get_origin(hint) is not ClassVar}


def _read(hint: Any, value: Any) -> Any:
    """What JSON holds as a value of this type. Keys that a dataclass does not have are left out."""
    if is_dataclass(hint):
        hints = _hints(cast(type, hint))
        given = {name: _read(hints[name], part) for name, part in value.items() if name in hints}
        return cast(Any, hint)(**given)
    if get_origin(hint) is list:
        return [_read(get_args(hint)[0], part) for part in value]
    if get_origin(hint) is dict:
        return {key: _read(get_args(hint)[1], part) for key, part in value.items()}
    return value
