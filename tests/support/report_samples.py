"""Fixed reports, one for each kind of result."""

from __future__ import annotations

from dataclasses import replace

from fitdoctor.report.model import (
    SCHEMA_VERSION,
    Budget,
    CauseResult,
    Ceiling,
    Environment,
    Evidence,
    FitSummary,
    Interval,
    Location,
    LoopSummary,
    Part,
    Prescription,
    RemedyResult,
    Report,
    Training,
    Tried,
    Variant,
)

TOTAL_S = 2480.0


def interval(low: float, mid: float, high: float) -> Interval:
    return Interval(low=low, mid=mid, high=high)


def part(name: str, label: str, share: float, *children: Part, total_s: float = TOTAL_S) -> Part:
    return Part(id=name, label=label, s=share * total_s, share=share, children=children)


MAP_LINE = Location(
    file="train.py",
    line=42,
    code="ds = ds.map(lambda path, label: tf.py_function(decode_one, [path, label], [tf.float32]))",
)

BUDGET = Budget(
    total_s=TOTAL_S,
    parts=(
        part("start", "start", 0.004),
        part("first_step", "first step", 0.003),
        part("input_wait", "waiting for input", 0.68),
        part("host", "Python between steps", 0.021),
        part("device", "compute", 0.20),
        part("metrics_logs", "metrics and logs", 0.0),
        part(
            "callbacks",
            "callbacks",
            0.06,
            part("callbacks.0", "TensorBoard", 0.055),
            part("callbacks.1", "CSVLogger", 0.005),
        ),
        part("validation", "validation", 0.0125),
    ),
    unattributed_s=0.0195 * TOTAL_S,
)

ENVIRONMENT = Environment(
    python="3.11.9",
    keras="3.15.1",
    backend="tensorflow",
    backend_version="2.21.0",
    platform="Linux",
    cores=2,
    devices=("CPU",),
)

TRAINING = Training(
    backend="tensorflow",
    fits=(
        FitSummary(
            site=Location(file="train.py", line=58, code="model.fit(ds, epochs=50)"),
            calls=1,
            epochs=50,
            steps_per_epoch=313,
            batch_size=32,
            share=0.97,
        ),
    ),
    loops=(),
    projected_s=TOTAL_S,
    basis="declared",
)

PLACEBO = Tried(
    remedy="",
    cause="",
    role="placebo",
    unit="step",
    windows=14,
    unit_ratio=0.987,
    interval=interval(0.96, 0.987, 1.01),
    verdict="reference",
    why="",
)

PYTHON_IN_PIPELINE = CauseResult(
    id="python-in-pipeline",
    family="input",
    title="decode_one() runs under the interpreter lock, one sample at a time",
    status="measured",
    cost_s=interval(1620, 1686, 1740),
    share=0.68,
    locations=(MAP_LINE, Location(file="train.py", line=47)),
    evidence=(
        Evidence(text="A step takes 158 ms, of which 112 ms are spent waiting for input.", value=0.112, unit="s"),
        Evidence(text="One core of 2 is busy in that time, in decode_one()."),
    ),
    remedies=(
        RemedyResult(
            id="graph-ops",
            title="graph ops in place of Python",
            safety="numerics",
            status="untried",
            why="decode_one() opens files by itself",
        ),
        RemedyResult(
            id="batch-then-map",
            title="the map behind the batch",
            safety="exact",
            status="measured",
            verified_safety="exact",
            speedup=interval(2.71, 2.9, 3.1),
            unit="step",
            unit_ratio=interval(3.3, 3.6, 3.9),
            one_off_s=12.0,
            breaks_even_at=107,
            how="ds.batch(32).map(decode_many, num_parallel_calls=tf.data.AUTOTUNE)",
        ),
    ),
)

MISSING_PREFETCH = CauseResult(
    id="missing-prefetch",
    family="input",
    title="batches are made only when the step asks for them",
    status="measured",
    cost_s=interval(120, 180, 230),
    share=0.073,
    locations=(Location(file="train.py", line=47, code="ds = ds.batch(32)"),),
    remedies=(
        RemedyResult(
            id="prefetch",
            title="prefetch",
            safety="exact",
            status="measured",
            speedup=interval(1.06, 1.08, 1.12),
            unit="step",
            unit_ratio=interval(1.06, 1.08, 1.12),
            how="ds.prefetch(tf.data.AUTOTUNE)",
            variants=(Variant(label="buffer 1", verdict="refuted", unit_ratio=1.01),),
        ),
        RemedyResult(
            id="larger-prefetch",
            title="a deeper prefetch",
            safety="exact",
            status="refuted",
            unit="step",
            unit_ratio=interval(0.97, 1.0, 1.02),
        ),
        RemedyResult(
            id="snapshot",
            title="snapshot on disk",
            safety="exact",
            status="inconclusive",
            why="its windows scattered too much",
        ),
    ),
)

SLOW = Report(
    schema_version=SCHEMA_VERSION,
    fitdoctor="0.1.0",
    script="train.py",
    environment=ENVIRONMENT,
    training=TRAINING,
    budget=BUDGET,
    verdict="causes",
    verdict_text="python-in-pipeline costs 28 min 6 s of 41 min 20 s (68 %). Also proven: missing-prefetch.",
    ceilings=(
        Ceiling(kind="input", speedup=3.8, measured=True),
        Ceiling(kind="callbacks", speedup=1.064, measured=True),
        Ceiling(kind="validation", speedup=1.013, measured=True),
    ),
    causes=(
        PYTHON_IN_PIPELINE,
        MISSING_PREFETCH,
        CauseResult(
            id="compute-bound",
            family="compute",
            title="what remains is arithmetic",
            status="informative",
            cost_s=interval(480, 500, 520),
            share=0.2,
            evidence=(Evidence(text="Once input is free, the device computes 93 % of the time."),),
        ),
    ),
    tried=(
        PLACEBO,
        replace(
            PLACEBO,
            role="ceiling",
            remedy="input-free",
            unit_ratio=4.1,
            interval=interval(3.9, 4.1, 4.3),
            verdict="measured",
        ),
        replace(
            PLACEBO,
            role="remedy",
            remedy="jit-compile",
            cause="dispatch-bound-steps",
            unit_ratio=0.97,
            verdict="refuted",
        ),
        replace(
            PLACEBO,
            role="remedy",
            remedy="larger-execution",
            cause="dispatch-bound-steps",
            unit_ratio=1.01,
            verdict="refuted",
        ),
        replace(
            PLACEBO,
            role="remedy",
            remedy="larger-execution",
            cause="dispatch-bound-steps",
            unit_ratio=0.99,
            verdict="refuted",
        ),
        replace(
            PLACEBO,
            role="remedy",
            remedy="rarer-callback",
            cause="slow-callback",
            unit_ratio=None,
            interval=None,
            verdict="failed",
            why="the callback has no method on_epoch_end",
        ),
    ),
    limits=("The files of the input were in memory already, so reading them from disk was not measured.",),
    prescription=Prescription(
        remedies=("batch-then-map", "prefetch"),
        safety="exact",
        speedup=interval(3.02, 3.22, 3.4),
        projected_s=770.0,
        measured_together=True,
        how=("ds.batch(32).map(decode_many, num_parallel_calls=tf.data.AUTOTUNE)", "ds.prefetch(tf.data.AUTOTUNE)"),
    ),
    changed_files=("logs/train/events.out.tfevents.1",),
    run=".fitdoctor/20260317-101502-train",
    seconds={"scout": 21.0, "trials": 94.0},
)

FIRST_ANSWER = replace(
    SLOW,
    verdict="inconclusive",
    verdict_text="2 causes are suspected. No fix was tried, so costs are estimates.",
    stage="first answer",
    causes=tuple(
        replace(
            cause,
            status="estimated" if cause.status == "measured" else cause.status,
            remedies=tuple(
                RemedyResult(id=remedy.id, title=remedy.title, safety=remedy.safety, status="untried")
                for remedy in cause.remedies
            ),
        )
        for cause in SLOW.causes
    ),
    tried=(),
    ceilings=(),
    prescription=None,
)

HEALTHY = replace(
    SLOW,
    script="examples/healthy_convnet.py",
    training=replace(
        TRAINING,
        projected_s=31.4,
        basis="upper bound",
        fits=(replace(TRAINING.fits[0], calls=10, epochs=2, steps_per_epoch=None), TRAINING.fits[0]),
        loops=(LoopSummary(site=MAP_LINE, kind="predict", calls=1, share=0.01),),
    ),
    budget=Budget(
        total_s=31.4,
        parts=(
            part("start", "start", 0.06, total_s=31.4),
            part("device", "compute", 0.925, total_s=31.4),
            part("validation", "validation", 0.005, total_s=31.4),
        ),
        unattributed_s=0.01 * 31.4,
    ),
    verdict="healthy",
    verdict_text=(
        "Tried 2 fixes on the step of healthy_convnet.py:31. None saved 5 % of the whole training. "
        "The device computes 92 % of the time."
    ),
    ceilings=(Ceiling(kind="input", speedup=1.01, measured=True),),
    causes=(SLOW.causes[2],),
    limits=(),
    prescription=None,
    changed_files=(),
)

INCONCLUSIVE = replace(
    SLOW,
    verdict="inconclusive",
    verdict_text=(
        "python-in-pipeline may cost time, but the same code timed twice differed by 31 %, so the machine is too "
        "noisy. Close other programs, or wait until they have ended, and run it again with a larger --budget."
    ),
    ceilings=(),
    causes=(replace(FIRST_ANSWER.causes[0]),),
    tried=(replace(PLACEBO, unit_ratio=1.31), replace(PLACEBO, unit="epoch_end", unit_ratio=0.9)),
    prescription=None,
)

SINGLE = replace(
    SLOW,
    environment=replace(ENVIRONMENT, devices=("CPU", "NVIDIA H200", "NVIDIA H200"), cores=16),
    causes=(replace(MISSING_PREFETCH, remedies=MISSING_PREFETCH.remedies[:1]),),
    prescription=replace(
        SLOW.prescription,
        remedies=("prefetch",),
        measured_together=False,
        speedup=interval(1.06, 1.08, 1.12),
        projected_s=2296.0,
        how=("ds.prefetch(tf.data.AUTOTUNE)",),
    ),
    limits=(),
    tried=(),
    changed_files=tuple(f"out/{number}.png" for number in range(14)),
)

SAMPLES = {
    "slow": SLOW,
    "first_answer": FIRST_ANSWER,
    "healthy": HEALTHY,
    "inconclusive": INCONCLUSIVE,
    "single": SINGLE,
}
