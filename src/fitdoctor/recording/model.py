"""What one child process measured, as plain data.

The classes are standard-library dataclasses, because the probe fills them inside the user's process, where nothing but
the standard library may be imported; `recording.load` validates them with msgspec in ours. All durations are seconds of
wall time on the main thread. They stand in one file as they are one format: bump `VERSION` whenever the meaning of a
field changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.recording.system import Span, System

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
    """How often something happened and what it cost.

    `samples_s` holds its course without the first: each of them, or where there are many the means of 2, 4, 8 … in
    succession.
    """

    count: int = 0
    total_s: float = 0.0
    first_s: float = 0.0
    samples_s: list[float] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Operation:
    """One call in the chain that made a `tf.data.Dataset`, from the source (position 0) to the end.

    `stateful` says that the stage's own function draws random numbers or keeps state in TensorFlow. `cardinality` is
    how many elements it gives in one pass (-1 without end), and `element_bytes` the size of one, where they can be told
    without a pass.
    """

    name: str
    position: int
    site: Site | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    function: Site | None = None
    python: bool = False
    stateful: bool = False
    cardinality: int | None = None
    element_bytes: int | None = None
    by_keras: bool = False


@dataclass(slots=True, kw_only=True)
class HotLine:
    """A line of the user's that samples of the stack found running: in `where`, for `share` of that time.

    `where` is "input", the name of a hook, or "step": Python and NumPy of the user's own within a step that is not
    compiled.
    """

    where: str
    site: Site
    share: float


@dataclass(slots=True, kw_only=True)
class CallbackRecord:
    """One callback of a fit. `hooks` maps `on_epoch_end` and the like to what they cost, nested Keras calls left out.

    `hook_sources` are the places where the user wrote them.
    `beside` is the same for hooks that Keras called on a thread beside the loop: they cost it nothing by themselves.
    `saves` are the models and weights that Keras wrote inside these hooks, `saved_bytes` the size of the last of them.
    """

    index: int
    name: str
    module: str
    own: bool
    site: Site | None = None
    source: Site | None = None
    hook_sources: dict[str, Site] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, Duration] = field(default_factory=dict)
    beside: dict[str, Duration] = field(default_factory=dict)
    may_stop: bool = False
    steers: bool = False
    saves: Duration = field(default_factory=Duration)
    saved_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRecord:
    """One metric that `compile` was given: its name in the logs, its class, and how many numbers it keeps as its state.

    `source` is where it is defined, where the user wrote it, and `lines` the first and the last line of that class or
    function.
    """

    name: str
    kind: str = ""
    state_size: int = 0
    source: Site | None = None
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PythonOperation:
    """Python that the compiled step calls back into:

    `tf.py_function` or `tf.numpy_function`, or the `gradient` of one.
    """

    kind: str
    site: Site | None = None
    runs: Duration = field(default_factory=Duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugSwitch:
    """A profiler or a debugging aid that is on while fit runs, by the call that turned it on."""

    call: str
    site: Site | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStatistics:
    """How the numbers of an input are spread, in a sample of `rows` rows: one figure for each index of the last axis.

    `features` is how long that axis is; of a longer one than a few hundred, every so many an index was looked at.
    `whole` says that all numbers of the sample are whole ones. `distinct` counts the different values of each feature
    that holds whole numbers alone, and is 0 for the others. `zeros` and `nonfinite` are shares of all numbers of the
    sample.

    Where each row holds one class, as a whole number or one-hot, `classes` counts those of the sample (of one-hot rows,
    their length), `largest` is the share of the most frequent one, and `runs` how often the class changes from row to
    row, and one more; all three are 0 elsewhere.
    """

    rows: int
    features: int
    mean: list[float] = field(default_factory=list)
    std: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    whole: bool = False
    distinct: list[int] = field(default_factory=list)
    zeros: float = 0.0
    nonfinite: float = 0.0
    classes: int = 0
    largest: float = 0.0
    runs: int = 0


@dataclass(slots=True, kw_only=True)
class InputArray:
    """One array that `fit` was given, or one component of an element of its `tf.data.Dataset`, as it came: nothing is
    converted.

    `name` is the path from fit's argument: `x`, `x['age']`, `y`, `sample_weight`. `container` is the type that holds
    it: "numpy.ndarray", "numpy.memmap", "list", "pandas.DataFrame", "h5py.Dataset", …; "tf.data" for a component of a
    dataset, whose shape is that of an element. `dtype` is the NumPy name of the elements' type, or "" where it was not
    cheap to know. `layers` are the classes of the layers that first compute with it, those left out that only move
    numbers.
    """

    name: str
    container: str
    dtype: str = ""
    shape: list[int | None] = field(default_factory=list)
    bytes: int = 0
    spread: ColumnStatistics | None = None
    layers: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class EpochRow:
    """One epoch that ran to its end: `number` as Keras counts it, in the `call`-th call of the fit.

    `ended_s` is counted from the call's begin, `step_s` is the mean of its steps, `memory_bytes` what the process held
    in memory at its end (0 where that can't be told). `logs` are the finite numbers among those that callbacks get.
    `learning_rate` is what the epoch ended with, by a schedule of Keras' own too.
    """

    number: int
    call: int = 0
    steps: int = 0
    ended_s: float = 0.0
    step_s: float = 0.0
    logs: dict[str, float] = field(default_factory=dict)
    memory_bytes: int = 0
    learning_rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightReading:
    """The sampled entries of each weight at one moment: after `epoch` epochs of the `call`-th call of the fit.

    `rms` is the root of their mean square, and `moved` that of their differences to the same entries `since` epochs
    before. `moved` is empty where there is nothing before; None stands for what is not finite.
    """

    call: int
    epoch: int
    since: int = 0
    ended_s: float = 0.0
    rms: list[float | None] = field(default_factory=list)
    moved: list[float | None] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SampledWeights:
    """How the weights of a model moved: of each, the same few entries (at most `entries`, evenly spaced) were read at
    epochs' ends.

    Read are kernels and tables, not biases; of a model of very many, every so many a one. `sizes` are how many entries
    each has in all. `cost_s` is what all readings took.
    """

    names: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    entries: int = 0
    readings: list[WeightReading] = field(default_factory=list)
    cost_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class StepBlock:
    """Some steps in a row, those that stand apart as `first_step` left out, and what the process held in memory after
    them.
    """

    steps: int
    seconds: float
    memory_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Fit:
    """All calls of `fit` from one place.

    `steps_per_epoch` is None while unknown. `steps_basis` is "declared" (from the arguments or the data's own length),
    "counted" (an epoch was run to its end) or "unknown"; `steps_given` says that `fit` was told their number.
    `epochs_seen` and the durations are sums over `calls_run` calls; `calls` counts the skipped ones too. `step` leaves
    out each call's first step, which is `first_step` (it traces and compiles), and the first step of each later epoch,
    which is `epoch_first_step` (its input may begin anew), and of that `epoch_first_wait` is waited for the batch.
    `function` is the part of a step inside the train function: the rest of the step is Python around it. `input_wait`
    is what is waited for a batch, before the function where `input_drawn` is "loop", within it where that is
    "function"; nobody sees it where the compiled "graph" draws. Where steps are computed while the loop goes on,
    `input_idle` is the part of that wait in which nothing was computed, `device` what computing a step takes, and
    `still_computing` what was computed of each epoch after its last step had been sent. `asynchronous_hooks` says that
    Keras calls the ends of batches on threads beside the loop. `recompiled` are the programs that JAX or torch.compile
    made of the train step after the first one of each call.

    `models` are the different models that were fitted here, `compiles` their calls of `compile`, `data_objects` the
    different objects that they were fitted on. `one_batch_calls` did nothing but one step on one batch of arrays, of
    `rows` rows the first time; `substituted` are those of them that the scout ran as `train_on_batch` to save time.
    `traces` are functions that TensorFlow traced while fit ran, nested ones left out; `unrolled` are recurrent layers
    that are traced step by step. `input_made` is the line that last assigned the name that was passed as `x`.
    `learning_rate` is None where a schedule sets it; `schedule` is then the class of that. `validation_operations` are
    the stages of the validation data, like `operations`. `curve` are the epochs that ran uncut, thinned out evenly
    where there were many; `blocks` divide all steps into a few dozen stretches of about as many steps each. `spans` are
    when its calls ran, neighbours taken together where there were many.
    """

    site: Site
    calls: int = 0
    calls_run: int = 0
    epochs: int = 1
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    steps_basis: str = "unknown"
    steps_given: bool = False
    batch_size: int | None = None
    input_kind: str = "unknown"
    operations: list[Operation] = field(default_factory=list)
    inputs: list[InputArray] = field(default_factory=list)
    input_made: Site | None = None
    learning_rate: float | None = None
    schedule: str = ""
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
    metrics: list[MetricRecord] = field(default_factory=list)
    python_operations: list[PythonOperation] = field(default_factory=list)
    debug_switches: list[DebugSwitch] = field(default_factory=list)
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
    epoch_first_step: Duration = field(default_factory=Duration)
    epoch_first_wait: Duration = field(default_factory=Duration)
    step: Duration = field(default_factory=Duration)
    function: Duration = field(default_factory=Duration)
    logs: Duration = field(default_factory=Duration)
    input_drawn: str = "loop"
    input_wait: Duration = field(default_factory=Duration)
    input_idle: Duration = field(default_factory=Duration)
    device: Duration = field(default_factory=Duration)
    still_computing: Duration = field(default_factory=Duration)
    asynchronous_hooks: bool = False
    recompiled: Duration = field(default_factory=Duration)
    validation_first_step: Duration = field(default_factory=Duration)
    validation_step: Duration = field(default_factory=Duration)
    validation_overhead: Duration = field(default_factory=Duration)
    epoch_boundary: Duration = field(default_factory=Duration)
    teardown: Duration = field(default_factory=Duration)
    models: int = 0
    model_sizes: int = 0
    compiles: int = 0
    data_objects: int = 0
    rows: int | None = None
    one_batch_calls: int = 0
    substituted: Duration = field(default_factory=Duration)
    traces: Duration = field(default_factory=Duration)
    unrolled: list[str] = field(default_factory=list)
    validation_operations: list[Operation] = field(default_factory=list)
    curve: list[EpochRow] = field(default_factory=list)
    blocks: list[StepBlock] = field(default_factory=list)
    weights: SampledWeights | None = None
    spans: list[Span] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Traced:
    """A function of the user's that TensorFlow traced, once more for each of `traces`, as called from one place of
    theirs.
    """

    function: Site
    site: Site
    traces: Duration = field(default_factory=Duration)


@dataclass(slots=True, kw_only=True)
class CallSiteRecord:
    """All calls of `predict`, `evaluate` or `…_on_batch` from one place outside fit's own validation.

    `inside` is the index of the fit whose callback made the calls and `hook` that hook's name; -1 and "" where the
    script itself did. `run` are calls that ran as written, `substituted` those that the scout replaced to save time.
    `jit_compile` is the model's, and `compile_site` where that was compiled.
    """

    kind: str
    site: Site
    inside: int = -1
    hook: str = ""
    calls: int = 0
    rows: int | None = None
    batch_size: int | None = None
    jit_compile: bool = False
    compile_site: Site | None = None
    run: Duration = field(default_factory=Duration)
    substituted: Duration = field(default_factory=Duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSetting:
    """A number of threads that somebody chose: by a variable of the environment, or by a call of the script.

    `name` is the variable ("OMP_NUM_THREADS") or the call ("tf.config.threading.set_intra_op_parallelism_threads").
    `site` is the line that did it; None where the variable came from outside.
    """

    name: str
    value: int
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class Ending:
    """How a child ended: finished, exception, exit, limit, blocked-write, interrupted, killed or declined."""

    how: str = "unfinished"
    code: int | None = None
    error: str = ""
    message: str = ""
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class OtherProcess:
    """A process beside the script's own that came of it.

    `kind` is "forked", "started" (a Python program) or "replaced": the script's own process became another program,
    which could not be followed. `command` is the program, for "started" as it is given to `python`; `environment` are
    the variables that it has and the script had not been given. `fits` says that fit was called in it.
    """

    kind: str
    command: str = ""
    environment: list[str] = field(default_factory=list)
    site: Site | None = None
    fits: bool = False


@dataclass(slots=True, kw_only=True)
class SideEffect:
    """Something that runs of the script did and no file system holds back, first at `site`, in so many of the runs.

    `kind` is "connection" (host and port), "socket" (of a service on this machine, by its path), "listening" (host and
    port) or "program" (that was started).
    """

    kind: str
    what: str
    runs: int = 0
    site: Site | None = None


@dataclass(slots=True, kw_only=True)
class ProcessRecord:
    """What the first child learned: the script run through, cut short at every call site.

    `sources` maps the script, and those of the user's modules in its folder that it imported, to hashes of their text.
    `start_lines` are the costliest of the script's own before its first unit; `start_lines_share` is what all of them
    took of that time. `treated_calls` counts the calls that ran with changes. `others` are the other processes that
    came of it. `system` is what was seen of it from outside, None where nobody looked.
    """

    version: int = VERSION
    environment: dict[str, Any] = field(default_factory=dict)
    wall_s: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    fits: list[Fit] = field(default_factory=list)
    loops: list[CallSiteRecord] = field(default_factory=list)
    traced: list[Traced] = field(default_factory=list)
    start_lines: list[HotLine] = field(default_factory=list)
    start_lines_share: float = 0.0
    ending: Ending = field(default_factory=Ending)
    limits: list[str] = field(default_factory=list)
    redirected: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    treated_calls: int = 0
    others: list[OtherProcess] = field(default_factory=list)
    threads: list[ThreadSetting] = field(default_factory=list)
    peak_rss_bytes: int = 0
    system: System | None = None


@dataclass(slots=True, kw_only=True)
class Window:
    """A stretch of units of one arm between two synchronisations.

    `queue_s` is how long the process waited for a core.
    """

    arm: str
    round: int
    order: int
    seconds: float
    units: int
    queue_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Arm:
    """One variant in a rehearsal.

    `role` is "baseline", "placebo" (the baseline again, the A/A arm), "ceiling", "remedy" or "prescription" (remedies
    together). `unit` is what its windows repeat: "step", "epoch_end", "validation", "call", "stretch" (steps without a
    pause), or "process" (steps of a whole process, whose environment the arm changes); an arm of the unit "race" has no
    windows but runs in the race. `batches` and `weights` say what the verification found: "same", "close", "different",
    or "" where it could not be checked; `why` says why not, or why the arm failed. `note` is a sentence for the report
    on what was found out while the arm was prepared.
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
    note: str = ""
    doubt: str = ""
    parts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """Where a run stood after `steps` steps: `score` is the loss on the data that the race is judged on, None where it
    is no number.

    `seconds` is what the steps since the lap before took, the evaluation left out.
    """

    steps: int
    score: float | None
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class RaceRun:
    """One training of one racer: an arm whose unit is "race". Runs of the same `repetition` began from the same
    weights.

    `finished` says that it ended by the rules of the race and not because its time was up, `stopped` that the script's
    own stopping rule ended it, at the end of an epoch.
    """

    arm: str
    repetition: int
    laps: list[Lap] = field(default_factory=list)
    finished: bool = False
    stopped: bool = False


@dataclass(slots=True, kw_only=True)
class Race:
    """Trainings that were raced to the same validation loss, with and without changes.

    `judged_on` is "validation data", "held-out rows" or "training data", of which `rows` were used. `varied` says what
    differed between repetitions: "weights and order" or "order". `training_steps` are the baseline's in the whole of
    one call of fit, on batches of `batch_size`. Runs of a repetition below `counted_from` only chose who goes on.

    `metric` is what the scores of laps are, by its name among the model's metrics. Of one that gets better upwards
    (`upwards`) a score is 1 minus its value, so that less is better in every race. `rule` names the callbacks that may
    end a run, as they may end the fit.
    """

    judged_on: str = ""
    metric: str = "loss"
    upwards: bool = False
    rule: str = ""
    rows: int = 0
    varied: str = ""
    training_steps: int = 0
    batch_size: int = 0
    counted_from: int = 0
    runs: list[RaceRun] = field(default_factory=list)
    wall_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class ProcessRun:
    """One short child of a comparison of environments: which arm's environment it had, and in which pair.

    `weights` says what some steps made of the model, from the same start in each child where the script is seeded; see
    `probe.trials.units.process`.
    """

    arm: str
    pair: int
    startup_s: float = 0.0
    weights: dict[str, Any] = field(default_factory=dict)
    peak_rss_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStatistics:
    """What a layer put out for the rows of one batch. A *unit* is an index of its channels: all its outputs in the
    batch together.

    `dead` is the share of units that gave nothing but zeros, of layers that end in a ReLU; `saturated` the share of
    outputs at the flat ends of a sigmoid or tanh. Both are None for other layers.
    """

    name: str
    kind: str
    activation: str = ""
    units: int = 0
    mean: float | None = None
    std: float | None = None
    zeros: float = 0.0
    nonfinite: float = 0.0
    dead: float | None = None
    saturated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientStatistics:
    """The norm of a trainable variable, and of the gradient of the loss on one batch by it: None where that is not
    finite.

    `connected` says whether there is a gradient at all. `layer` is the name of the layer that holds the variable.
    """

    name: str
    layer: str = ""
    size: int = 0
    norm: float | None = None
    gradient: float | None = None
    connected: bool = True


@dataclass(slots=True, kw_only=True)
class ModelInspection:
    """What one real batch of `rows` rows does inside a model as it is when its fit begins.

    `inputs` are the parts of that batch. `missing` says in a sentence what could not be learned, and why.
    """

    rows: int = 0
    loss: float | None = None
    layers: list[LayerStatistics] = field(default_factory=list)
    gradients: list[GradientStatistics] = field(default_factory=list)
    inputs: list[InputArray] = field(default_factory=list)
    seconds: float = 0.0
    missing: str = ""


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """What one later child measured: arms, and their windows in the order in which they ran.

    Arms of the unit "process" need an environment of their own: then `processes` are the children, and a window's round
    is the pair that its child belongs to. `peak_rss_bytes` is the most that a child and what it started held in memory.
    `inside` is what was seen of the model before anything was tried.
    """

    version: int = VERSION
    target: str = "fit"
    index: int = 0
    arms: list[Arm] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    race: Race | None = None
    inside: ModelInspection | None = None
    processes: list[ProcessRun] = field(default_factory=list)
    restarts: int = 0
    peak_rss_bytes: int = 0
    startup_s: float = 0.0
    wall_s: float = 0.0
    ending: Ending = field(default_factory=Ending)
    limits: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a diagnosis did for some seconds:

    "scout", "start-up", "prepare", "windows" and the like. `began_s` is since its beginning.
    """

    name: str
    began_s: float
    seconds: float


@dataclass(slots=True, kw_only=True)
class Treated:
    """With what a training was run, and what had been promised for it: the seconds of the whole, and those as it
    stands.

    `diagnosis` is the run that the changes come from. `to_target` says that the promise is of the time to the same
    loss. `own_s` is what fitdoctor itself took before the training began, which comes on top of what was promised for
    that.
    """

    diagnosis: str = ""
    remedies: list[str] = field(default_factory=list)
    safety: str = "exact"
    promised_s: float = 0.0
    promised_low_s: float = 0.0
    promised_high_s: float = 0.0
    plain_s: float = 0.0
    own_s: float = 0.0
    to_target: bool = False
    treatments: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Run:
    """All recordings of one diagnosis: what `fitdoctor report RUN` analyses again without running anything.

    `bundled` says that everything of the user's was replaced by placeholders. Where a whole training was `treated`,
    that is what `watched` saw. `protection` says what kept the script's writes from the user's files while it was
    tried: "layer", or "guard", with the reason in `protection_note` why there was no layer, or "" where nothing did.
    `interrupted` names what a diagnosis was at when the user ended it: "scout", "trials" or "races". The script was run
    `tried_runs` times, each in part; `side_effects` are what those runs did together. `offline` says that they could
    connect to no other machine.
    """

    version: int = VERSION
    fitdoctor: str = ""
    script: str = ""
    target: str = ""
    argv: list[str] = field(default_factory=list)
    mode: str = "script"
    python: str = ""
    cwd: str = ""
    started: str = ""
    budget_s: float = 0.0
    spent_s: float = 0.0
    scout: ProcessRecord | None = None
    watched: ProcessRecord | None = None
    treated: Treated | None = None
    rehearsals: list[Rehearsal] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    changed_files: list[str] = field(default_factory=list)
    protection: str = ""
    protection_note: str = ""
    side_effects: list[SideEffect] = field(default_factory=list)
    tried_runs: int = 0
    offline: bool = False
    limits: list[str] = field(default_factory=list)
    bundled: bool = False
    interrupted: str = ""
