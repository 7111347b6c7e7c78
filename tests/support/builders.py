"""Builds recordings as a scout and its rehearsals write them, with few arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.measured_ratios import MeasuredRatios
from fitdoctor.process.request import DiagnoseRequest
from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.model import (
    Arm,
    CallbackRecord,
    CallSiteRecord,
    Duration,
    Ending,
    Fit,
    Operation,
    ProcessRecord,
    Rehearsal,
    Run,
    Site,
    Window,
)
from fitdoctor.report.model import Interval
from fitdoctor.trials.plan import RehearsalPlan

SCRIPT = "/home/ann/train.py"


def site(line: int, code: str = "", **arguments: int) -> Site:
    return Site(file=SCRIPT, line=line, code=code, arguments=arguments)


def took(unit_s: float, count: int, *, first_s: float | None = None) -> Duration:
    """`count` units of the same cost, except the first one."""
    if count == 0:
        return Duration()
    first = unit_s if first_s is None else first_s
    return Duration(
        count=count, total_s=first + unit_s * (count - 1), first_s=first, samples_s=[unit_s] * min(count - 1, 400)
    )


def fit(
    *,
    step_s: float = 0.02,
    function_s: float | None = None,
    logs_s: float = 0.0,
    epochs: int = 10,
    steps: int | None = 100,
    seen: int = 60,
    calls: int = 1,
    **changed: Any,
) -> Fit:
    """A fit of arrays, cut after `seen` steps of its second epoch, whose steps cost the same from the first on."""
    values: dict[str, Any] = {
        "site": site(18, "model.fit(x, y)"),
        "calls": calls,
        "calls_run": calls,
        "epochs": epochs,
        "steps_per_epoch": steps,
        "steps_basis": "declared" if steps else "unknown",
        "batch_size": 32,
        "input_kind": "arrays",
        "compile_site": site(12, "model.compile(optimizer)"),
        "epochs_seen": 2 * calls,
        "cut": True,
        "setup": took(0.2, calls),
        "first_step": took(1.0, calls),
        "step": took(step_s, seen),
        "function": took(step_s * 0.9 if function_s is None else function_s, seen),
        "logs": took(logs_s, seen),
        "epoch_boundary": took(0.01, 2 * calls),
        "teardown": took(0.05, calls),
    }
    return Fit(**{**values, **changed})


def callback(name: str = "Plotter", *, own: bool = True, hooks: dict[str, Duration], **changed: Any) -> CallbackRecord:
    values: dict[str, Any] = {
        "index": 0,
        "name": name,
        "module": "__main__" if own else "keras.src.callbacks",
        "own": own,
        "site": site(17, f"{name}()"),
        "source": site(5, "def on_epoch_end(self, epoch, logs=None):") if own else None,
        "hooks": hooks,
    }
    return CallbackRecord(**{**values, **changed})


def chain(*steps: tuple[str, int] | Operation) -> list[Operation]:
    """A pipeline of the user's from (name, line) pairs."""
    made = []
    for position, step in enumerate(steps):
        if isinstance(step, Operation):
            step.position = position
            made.append(step)
        else:
            name, line = step
            made.append(Operation(name=name, position=position, site=site(line, f"dataset.{name}(…)")))
    return made


def run(*fits: Fit, loops: Iterable[CallSiteRecord] = (), rehearsals: Iterable[Rehearsal] = (), **parts: float) -> Run:
    """A run whose scout holds start-up, the given fits and loops, and a second of the script itself."""
    shares = {"start": 2.0, "imports": 6.0, "script": 1.0, "shutdown": 0.5, "fit": 5.0, **parts}
    scout = ProcessRecord(
        environment={"python": "3.11.9", "keras": "3.15.1", "backend": "tensorflow", "cores": 2, "devices": ["CPU:0"]},
        wall_s=sum(shares.values()),
        parts=shares,
        fits=list(fits),
        loops=list(loops),
        ending=Ending(how="finished", code=0),
    )
    found = list(rehearsals)
    return Run(fitdoctor="0.1.0", script=SCRIPT, scout=scout, rehearsals=found, budget_s=120.0, spent_s=60.0)


def facts(*fits: Fit, input_free: float | None = None, **more: Any) -> Facts:
    """The facts of a run. `input_free` is the measured ceiling of the first fit."""
    measured = MeasuredRatios() if input_free is None else MeasuredRatios(input_free={0: around(input_free)})
    return Facts(run(*fits, **more), measured)


def request(folder: Path, **changed: Any) -> DiagnoseRequest:
    """A call of `fitdoctor diagnose train.py` that records to a folder."""
    values: dict[str, Any] = {
        "target": "train.py",
        "arguments": (),
        "mode": "script",
        "python": "/usr/bin/python3",
        "budget_s": 30.0,
    }
    return DiagnoseRequest(**{**values, "allow_writes": False, "folder": RunFolder(path=folder), **changed})


def watched(*fits: Fit, loops: Iterable[CallSiteRecord] = (), **parts: float) -> Run:
    """A run that holds only a watched training."""
    seen = run(*fits, loops=loops, **parts)
    seen.watched, seen.scout = seen.scout, None
    return seen


def watched_facts(*fits: Fit, **more: Any) -> Facts:
    return Facts(watched(*fits, **more))


def around(mid: float, spread: float = 0.01) -> Interval:
    return Interval(low=mid * (1 - spread), mid=mid, high=mid * (1 + spread))


def windows(arm: str, seconds: float, *, rounds: int = 8, jitter: float = 0.01, queue_s: float = 0.0) -> list[Window]:
    """One window a round, a little slower and faster in turns."""
    return [
        Window(
            arm=arm,
            round=number,
            order=0,
            seconds=seconds * 10 * (1 + jitter * (-1) ** (number + len(arm))),
            units=10,
            queue_s=queue_s,
        )
        for number in range(rounds)
    ]


def rehearse(plan: RehearsalPlan, ratios: dict[str, float], *, base_s: float = 0.02, **changed: Any) -> Rehearsal:
    """The rehearsal of a plan in which each arm is `ratios[arm id]` times as fast, or as fast as the baseline."""
    taken = [window for arm in plan.arms for window in windows(arm.id, base_s / ratios.get(arm.id, 1.0), **changed)]
    arms = [Arm(**{**_fields(arm), "batches": "same", "weights": "same"}) for arm in plan.arms]
    return Rehearsal(target=plan.target, index=plan.index, arms=arms, windows=taken, wall_s=30.0)


def _fields(arm: Arm) -> dict[str, Any]:
    return {name: getattr(arm, name) for name in Arm.__slots__}


def ids(arms: Sequence[Arm]) -> list[str]:
    return [arm.id for arm in arms]
