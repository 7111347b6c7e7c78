"""How the training goes: epochs, weights, memory, and what happens inside the model."""

from __future__ import annotations

from dataclasses import dataclass, field

from fitdoctor.recording.model.input import InputArray


@dataclass(slots=True, kw_only=True)
class EpochRow:
    """One epoch that ran to its end."""

    # The epoch's number, as Keras counts.
    number: int
    # The call of fit that it belongs to, counted from 0.
    call: int = 0
    # Steps of the epoch.
    steps: int = 0
    # Seconds from the begin of the call to the end of the epoch.
    ended_s: float = 0.0
    # The mean seconds of its steps.
    step_s: float = 0.0
    # The finite numbers among the logs that callbacks get.
    logs: dict[str, float] = field(default_factory=dict)
    # Memory of the process at the epoch's end. 0 where unknown.
    memory_bytes: int = 0
    # The learning rate at the epoch's end, also where a schedule of Keras sets it.
    learning_rate: float | None = None


@dataclass(slots=True, kw_only=True)
class StepBlock:
    """Some steps in a row. Steps that are recorded apart, as `first_step` is, are left out."""

    # The number of steps.
    steps: int
    # Seconds of all of them.
    seconds: float
    # Memory of the process after them. 0 where unknown.
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightReading:
    """The sampled entries of each weight at one moment. Lists hold one figure for each weight; None is not finite."""

    # The call of fit, counted from 0.
    call: int
    # Epochs of that call until then.
    epoch: int
    # How many epochs ago the reading before was taken.
    since: int = 0
    # Seconds from the begin of the call.
    ended_s: float = 0.0
    # The root mean square of the entries.
    rms: list[float | None] = field(default_factory=list)
    # The root mean square of their differences to the reading before. Empty for the first reading.
    moved: list[float | None] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SampledWeights:
    """How the weights of a model move: the same few entries of each are read at the ends of epochs.

    Kernels and tables are sampled, biases are not. Of very many weights, evenly spaced ones are sampled.
    """

    # The names of the weights.
    names: list[str] = field(default_factory=list)
    # The number of entries that each weight has.
    sizes: list[int] = field(default_factory=list)
    # The most entries that are read of one weight, evenly spaced.
    entries: int = 0
    # The readings, in order.
    readings: list[WeightReading] = field(default_factory=list)
    # Seconds that all readings took.
    cost_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStatistics:
    """The outputs of one layer for the rows of one batch.

    A *unit* is one index of the layer's channels, with all its outputs in the batch.
    """

    # The name of the layer.
    name: str
    # The class of the layer.
    kind: str
    # The name of its activation.
    activation: str = ""
    # The number of its units.
    units: int = 0
    # The mean of its outputs.
    mean: float | None = None
    # The standard deviation of its outputs.
    std: float | None = None
    # The share of outputs that are zero.
    zeros: float = 0.0
    # The share of outputs that are not finite.
    nonfinite: float = 0.0
    # The share of units that are zero for all rows. None unless the layer ends in a ReLU.
    dead: float | None = None
    # The share of outputs at the flat ends of a sigmoid or tanh. None for other layers.
    saturated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientStatistics:
    """A trainable variable, and the gradient of the loss of one batch by it."""

    # The name of the variable.
    name: str
    # The name of the layer that holds it.
    layer: str = ""
    # The number of its entries.
    size: int = 0
    # The norm of the variable. None if not finite.
    norm: float | None = None
    # The norm of its gradient. None if not finite.
    gradient: float | None = None
    # Whether there is a gradient at all.
    connected: bool = True


@dataclass(slots=True, kw_only=True)
class ModelInspection:
    """What one real batch does inside a model, before its fit begins."""

    # Rows of the batch.
    rows: int = 0
    # The loss of the batch.
    loss: float | None = None
    # The outputs of the layers.
    layers: list[LayerStatistics] = field(default_factory=list)
    # The gradients of the trainable variables.
    gradients: list[GradientStatistics] = field(default_factory=list)
    # The parts of the batch.
    inputs: list[InputArray] = field(default_factory=list)
    # Seconds that the inspection took.
    seconds: float = 0.0
    # A sentence: what could not be inspected, and why.
    missing: str = ""
