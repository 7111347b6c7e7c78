"""The calls of `fit` from one place: their arguments, their callbacks, and the time that each part of them takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.recording.model.input import InputArray, Operation
from fitdoctor.recording.model.learning import EpochRow, SampledWeights, StepBlock
from fitdoctor.recording.model.site import Duration, HotLine, Site
from fitdoctor.recording.model.system import Span


@dataclass(slots=True, kw_only=True)
class CallbackRecord:
    """One callback of a fit."""

    # Its position in the list of callbacks.
    index: int
    # The name of its class.
    name: str
    # The module of its class.
    module: str
    # Whether the user's own code defines the class.
    own: bool
    # Where the user's code creates it.
    site: Site | None = None
    # Where the class is defined.
    source: Site | None = None
    # Where the user's code defines each hook.
    hook_sources: dict[str, Site] = field(default_factory=dict)
    # Its attributes, as far as JSON can hold them.
    attributes: dict[str, Any] = field(default_factory=dict)
    # The time of each hook, such as `on_epoch_end`. Calls of Keras inside a hook are left out.
    hooks: dict[str, Duration] = field(default_factory=dict)
    # The time of hooks that Keras calls on another thread. They do not delay the loop.
    beside: dict[str, Duration] = field(default_factory=dict)
    # Whether it may end the training.
    may_stop: bool = False
    # Whether it changes the training otherwise, e.g. the learning rate.
    steers: bool = False
    # The models and weights that Keras saves inside its hooks.
    saves: Duration = field(default_factory=Duration)
    # The size of the last of them.
    saved_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRecord:
    """One metric that `compile` is given."""

    # Its name in the logs.
    name: str
    # The name of its class.
    kind: str = ""
    # How many numbers its state holds.
    state_size: int = 0
    # Where the user's code defines it. None for Keras' own.
    source: Site | None = None
    # The first and the last line of that class or function.
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PythonOperation:
    """An operation of the compiled step that calls Python: `tf.py_function`, `tf.numpy_function`, or its gradient."""

    # The name of the operation, or "gradient".
    kind: str
    # The call in the user's code.
    site: Site | None = None
    # The time of the Python function.
    runs: Duration = field(default_factory=Duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugSwitch:
    """A profiler or a debugging aid that is on while fit runs."""

    # The call that turns it on.
    call: str
    # Where the user's code makes that call.
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class Fit:
    """All calls of `fit` from one place.

    It has many fields because it is one object of the JSON format, whose names are fixed. Durations are sums over the
    calls that ran. A recorded step is one call of the train function.
    """

    # Where fit is called.
    site: Site
    # How often it is called. Skipped calls count as well.
    calls: int = 0
    # How many of the calls ran.
    calls_run: int = 0

    # The argument `epochs`.
    epochs: int = 1
    # The argument `initial_epoch`.
    initial_epoch: int = 0
    # Batches of an epoch. None where unknown.
    steps_per_epoch: int | None = None
    # How that is known: "declared" (by arguments or the length of the data), "counted" (an epoch ran to its end) or
    # "unknown".
    steps_basis: str = "unknown"
    # Whether fit is given the argument `steps_per_epoch`.
    steps_given: bool = False
    # Samples of a batch. None where unknown.
    batch_size: int | None = None
    # The kind of input: "arrays", "tf.data", "pydataset", "dataloader", "grain", "generator" or "unknown".
    input_kind: str = "unknown"
    # The stages of its input pipeline.
    operations: list[Operation] = field(default_factory=list)
    # The arrays, or the components of an element.
    inputs: list[InputArray] = field(default_factory=list)
    # The line that last assigns the name that is passed as `x`.
    input_made: Site | None = None
    # The learning rate. None where a schedule sets it.
    learning_rate: float | None = None
    # The class of that schedule.
    schedule: str = ""
    # The argument `steps_per_execution` of compile.
    steps_per_execution: int = 1
    # The argument `run_eagerly` of compile.
    run_eagerly: bool = False
    # Whether the script makes all functions eager.
    eager_globally: bool = False
    # Where it does so.
    eager_site: Site | None = None
    # Whether XLA compiles the step.
    jit_compile: bool = False
    # Where the model is compiled.
    compile_site: Site | None = None
    # The class of the optimizer.
    optimizer: str = ""
    # The number of parameters of the model.
    parameters: int = 0
    # The argument `verbose`.
    verbose: Any = "auto"
    # The callbacks, Keras' own included.
    callbacks: list[CallbackRecord] = field(default_factory=list)
    # The metrics.
    metrics: list[MetricRecord] = field(default_factory=list)
    # The operations of the compiled step that call Python.
    python_operations: list[PythonOperation] = field(default_factory=list)
    # The profilers and debugging aids that are on.
    debug_switches: list[DebugSwitch] = field(default_factory=list)
    # The user's lines that Python time goes to.
    hot_lines: list[HotLine] = field(default_factory=list)
    # What validation is made on: "data" (the argument `validation_data`), "split" (`validation_split`), or "".
    validation: str = ""
    # The kind of the validation data, or "none".
    validation_kind: str = "none"
    # Batches of a validation pass. None where unknown.
    validation_steps: int | None = None
    # Samples of a validation batch. None where unknown.
    validation_batch_size: int | None = None
    # The argument `validation_freq`.
    validation_freq: Any = 1

    # Epochs that ran to their end.
    epochs_seen: int = 0
    # The epochs after which the training stopped earlier than declared.
    stopped_at: int | None = None
    # Whether fitdoctor ended the fit early.
    cut: bool = False
    # Why the fit could not be measured, or "".
    declined: str = ""
    # From the call to the first step.
    setup: Duration = field(default_factory=Duration)
    # The first step of each call. It traces and compiles.
    first_step: Duration = field(default_factory=Duration)
    # The first step of each later epoch. Its input may start again.
    epoch_first_step: Duration = field(default_factory=Duration)
    # What that step waits for its batch.
    epoch_first_wait: Duration = field(default_factory=Duration)
    # All other steps.
    step: Duration = field(default_factory=Duration)
    # The part of a step inside the train function. The rest is Python around it.
    function: Duration = field(default_factory=Duration)
    # What reading the logs takes of a step.
    logs: Duration = field(default_factory=Duration)
    # Where the batch is drawn: by the "loop" before the train function, in the "function", or by the compiled "graph",
    # where the wait can't be measured.
    input_drawn: str = "loop"
    # What a step waits for its batch.
    input_wait: Duration = field(default_factory=Duration)
    # The part of that wait in which nothing is computed. Only where steps are computed while the loop goes on.
    input_idle: Duration = field(default_factory=Duration)
    # What the computation of a step takes. Only where it can be measured apart.
    device: Duration = field(default_factory=Duration)
    # What is still computed of an epoch after its last step was sent.
    still_computing: Duration = field(default_factory=Duration)
    # Whether Keras calls the hooks at batches' ends on other threads.
    asynchronous_hooks: bool = False
    # The programs that JAX or torch.compile makes of the train step after the first one of each call.
    recompiled: Duration = field(default_factory=Duration)
    # The first batch of each call's first validation.
    validation_first_step: Duration = field(default_factory=Duration)
    # All other batches of validation.
    validation_step: Duration = field(default_factory=Duration)
    # What a validation pass takes beside its batches.
    validation_overhead: Duration = field(default_factory=Duration)
    # From the last step of an epoch to the first one of the next, validation and callbacks left out.
    epoch_boundary: Duration = field(default_factory=Duration)
    # From the last epoch to the return of the call.
    teardown: Duration = field(default_factory=Duration)
    # How many different models are fitted here.
    models: int = 0
    # How many different sizes they have.
    model_sizes: int = 0
    # How often they are compiled.
    compiles: int = 0
    # How many different data objects they are fitted on.
    data_objects: int = 0
    # Rows of the data, the first time.
    rows: int | None = None
    # Calls that make only one step, on one batch of arrays.
    one_batch_calls: int = 0
    # Those of them that the scout replaces by `train_on_batch` to save time.
    substituted: Duration = field(default_factory=Duration)
    # Functions that TensorFlow traces while fit runs. Nested ones are left out.
    traces: Duration = field(default_factory=Duration)
    # Recurrent layers that are traced step by step.
    unrolled: list[str] = field(default_factory=list)
    # The stages of the validation data's pipeline.
    validation_operations: list[Operation] = field(default_factory=list)
    # The epochs that ran to their end. Where there are many, evenly spaced ones.
    curve: list[EpochRow] = field(default_factory=list)
    # All steps, in a few dozen blocks of about the same length.
    blocks: list[StepBlock] = field(default_factory=list)
    # How the weights move. None where they were not sampled.
    weights: SampledWeights | None = None
    # When its calls ran. Where there are many, neighbours are joined.
    spans: list[Span] = field(default_factory=list)
