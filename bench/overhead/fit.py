"""Measures the cost of watching within one `fit`: patches are applied and removed between blocks of steps."""

from __future__ import annotations

import functools
import importlib
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.overhead.blocks import MOST_LEAD, Blocks, Done, Side, difference, of_sums, ratio
from bench.overhead.models import Size, data, keras_of, model, settle, size
from fitdoctor.probe import backends
from fitdoctor.probe.instrument import callback_patches, install
from fitdoctor.probe.instrument import saving as saves
from fitdoctor.probe.instrument.patch_points import HOOKS, UNITS
from fitdoctor.probe.roles.record_saving import SAVE_EVERY_S, SAVING_SHARE
from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support import patches as patching
from fitdoctor.probe.support.record_writer import Store
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import ProcessRecord

# The length of a block. Longer blocks scatter as much, so more short ones give a smaller interval.
BLOCK_S = 0.012

EPOCH_S = 1.2
FEWEST_EPOCH_STEPS = 24

# Keras prints its progress once an epoch, and follows it at each step, as in most scripts.
VERBOSE = 2

ONCE = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end")


class TimedRole(WatchRole):
    """The role of `fitdoctor watch`, which also sums the time of its own work that is not done at every step."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.own_s: dict[str, list[float]] = {}
        self.fits.before_hook = functools.partial(self._around_hook, self.fits.before_hook)  # type: ignore[method-assign]
        self.fits.after_hook = functools.partial(self._around_hook, self.fits.after_hook)  # type: ignore[method-assign]

    def _timed(self, name: str, run: Any, *arguments: Any) -> Any:
        began_s = time.perf_counter()
        try:
            return run(*arguments)
        finally:
            self.own_s.setdefault(name, []).append(time.perf_counter() - began_s)

    def _begin(self, kind: str, *arguments: Any) -> Any:
        return self._timed(f"{kind} begins", super()._begin, kind, *arguments)

    def _end_fit(self, *arguments: Any) -> None:
        self._timed("fit ends", super()._end_fit, *arguments)

    def _around_hook(self, run: Any, name: str, *arguments: Any) -> None:
        if name in ONCE:
            self._timed(name, run, name, *arguments)
        else:
            run(name, *arguments)


@dataclass(slots=True)
class Replaced:
    """A callback's hook that is replaced by ours."""

    callback: Any
    name: str
    replacement: callback_patches.Hook
    restore: Any
    gone: bool = False

    def take_off(self) -> None:
        """Restores the hook for good, on request of the role."""
        self.restore()
        self.gone = True


class Watching:
    """The patches of `fitdoctor watch`. Those of every step can be removed and applied again within a fit.

    While they are removed, Keras' classes hold their own functions, and callbacks their own hooks.
    """

    def __init__(self, keras: ModuleType) -> None:
        folder = tempfile.mkdtemp(prefix="fitdoctor-overhead-")
        self.record = Path(folder) / "watch.json"
        scout = ProcessRecord()
        self.role = TimedRole(
            scout, Ledger("start", started_s=time.monotonic()), Store(str(self.record), lambda: scout).save
        )
        self._hooks: list[Replaced] = []
        self._replace, callback_patches.replace = callback_patches.replace, self._replaced
        self._epoch, self._draws = _epoch_iterator(keras), None
        began_s = time.perf_counter()
        self._patches = install.install(
            keras, self.role, whole_process=False
        )  # where callbacks are made costs nothing in a step
        self._saves = saves.install(keras)
        self.role.imported(keras)
        self.installing_s = time.perf_counter() - began_s
        once = {*UNITS, *HOOKS, "compile"} - {name for name in HOOKS if "batch" in name}
        self._layers = [layer for layer in self._patches._mine if layer.name not in once]
        self.blocks: Blocks | None = None
        self._left_at, self._aside = 0, dict[str, Any]()
        self.save_s: list[float] = []
        self._wanted = threading.Event()
        threading.Thread(target=self._keep_saving, daemon=True).start()

    def side(self) -> Side:
        return Side(enter=self.enter, leave=self.leave)

    def leave(self) -> None:
        """Removes the patches of every step."""
        self._patches.live = False
        for layer in self._layers:
            if layer.original is patching._INHERITED:
                delattr(layer.owner, layer.name)
            else:
                setattr(layer.owner, layer.name, layer.original)
        for hook in self._hooks:
            hook.restore()
        for iterator in self._epoch:
            self._draws, iterator._current_iterator = iterator._current_iterator, iterator._current_iterator._inner
        callbacks = self.role.step_skip.callback_list
        if self.role.step_skip.bypass.active:
            self._aside = {name: vars(callbacks).pop(name) for name in self.role.step_skip.bypass.hooks}
        self._left_at = self.blocks._step if self.blocks is not None else 0

    def enter(self) -> None:
        """Applies the patches again, as if all steps until now had been recorded."""
        for hook in (hook for hook in self._hooks if not hook.gone):
            hook.restore = self._replace(hook.callback, hook.name, hook.replacement)
        for layer in self._layers:
            setattr(layer.owner, layer.name, layer.replacement)
        for iterator in self._epoch:
            iterator._current_iterator = self._draws
        self._patches.live = True
        timer, step_skip = self.role.timer, self.role.step_skip
        if step_skip.bypass.active:
            vars(step_skip.callback_list).update(self._aside)
        if timer is not None and self.blocks is not None:
            missed = self.blocks._step - self._left_at
            timer.epoch_steps += missed
            timer.sampler.sampled_from += missed
            if timer.device.overlap is not None:
                timer.device.overlap.begins_at(timer.epoch_steps)
            now_s = time.perf_counter()
            timer.step_ended_s = timer._step_began_s = timer.sampler._skip_began_s = now_s
            step_skip.ended_s = step_skip.bypass.requested_s = now_s

    def end(self) -> None:
        """Removes all patches for good."""
        callback_patches.replace = self._replace
        self._patches.undo()
        self._saves.undo()

    def _replaced(self, callback: Any, name: str, replacement: callback_patches.Hook) -> Any:
        """Replaces a hook as `callback_patches.replace` does, and remembers hooks of every step."""
        restore = self._replace(callback, name, replacement)
        if "batch" in name:
            self._hooks.append(Replaced(callback, name, replacement, restore))
            return self._hooks[-1].take_off
        return restore

    def save(self) -> None:
        """Lets a thread write the record, as `fitdoctor watch` does about once a second."""
        self._wanted.set()

    def _keep_saving(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            began_s = time.perf_counter()
            self.role.save_now()
            self.save_s.append(time.perf_counter() - began_s)


def _epoch_iterator(keras: ModuleType) -> list[Any]:
    """Returns a list that receives the iterator of an epoch's batches, if the train function draws from it."""
    backend, found = backends.of(keras), []
    if backend.drawn_in() == "function":
        module, name = backend.EPOCH_ITERATOR
        owner = getattr(importlib.import_module(module), name)
        get = owner._get_iterator

        def remembered(iterator: Any) -> Any:
            found[:] = [iterator]
            return get(iterator)

        owner._get_iterator = remembered
    return found


def measure(backend: str, target_ms: float, seconds: float) -> dict[str, Any]:
    """Measures one row of the table."""
    keras = keras_of(backend)
    found = size(backend, target_ms)
    watching = Watching(keras)
    blocks = run(backend, found, watching.side(), seconds, mark=watching.save, watching=watching)
    if not watching.role.recording:
        raise RuntimeError(f"the observation ended: {watching.role.record.limits}")
    plain = [pair for pair in blocks.pairs if not pair.marked]
    saving = [pair for pair in blocks.pairs if pair.marked]
    record = watching.role.record.fits[-1]
    if record.step.count < len(blocks.pairs) * blocks.steps:
        raise RuntimeError("the watched blocks were not observed")
    return {
        "backend": backend,
        "target_ms": target_ms,
        "width": found.width,
        "batch": found.batch,
        "smallest": found.smallest,
        "step_ms": statistics.median([pair.plain_s for pair in plain]) * 1000,
        "block_steps": blocks.steps,
        "pairs": len(plain),
        "steps": ratio(plain),
        "of_sums": of_sums(plain),
        "saving": _saving(plain, saving, blocks.steps, watching.save_s),
        "once_s": {"seams are put in": watching.installing_s}
        | {name: _each(of) for name, of in watching.role.own_s.items()},
        "record_bytes": watching.record.stat().st_size,
        "limits": watching.role.record.limits,
        "raw": [[pair.plain_s, pair.other_s, pair.marked] for pair in blocks.pairs],
    }


def run(
    backend: str,
    found: Size,
    other: Side,
    seconds: float,
    *,
    mark: Any = None,
    watching: Watching | None = None,
    least_s: float = BLOCK_S,
) -> Blocks:
    """Runs one fit, in blocks."""
    steps = max(1, round(least_s / found.step_s))
    epoch_steps = max(FEWEST_EPOCH_STEPS, 3 * 2 * (steps + MOST_LEAD), round(EPOCH_S / found.step_s))
    blocks = Blocks(
        other=other, steps=steps, epoch_steps=epoch_steps, seconds=seconds, settle=settle(backend), mark=mark
    )
    x, y = data(found.batch, epoch_steps)
    made = model(keras_of(backend), found.width, blocks.stepped)
    blocks._inside = watching is not None
    blocks.fewest = 6 if mark is None else 4 * blocks.every
    if watching is not None:
        watching.blocks = blocks
    with suppress(Done):
        made.fit(x, y, batch_size=found.batch, epochs=1_000_000, shuffle=False, verbose=VERBOSE)
    return blocks


def _saving(plain: list[Any], saving: list[Any], steps: int, save_s: list[float]) -> dict[str, float]:
    """Returns the share of the training's time that the saving thread takes.

    It is the delay that one save causes in a block, times the frequency of saves.
    """
    usual, with_save = difference(plain, steps), difference(saving, steps)
    lost_s = with_save["mid"] - usual["mid"]
    reach_s = ((with_save["high"] - with_save["mid"]) ** 2 + (usual["high"] - usual["mid"]) ** 2) ** 0.5
    save = statistics.median(save_s)
    every_s = max(SAVE_EVERY_S, save / SAVING_SHARE)
    shares = {"low": lost_s - reach_s, "mid": lost_s, "high": lost_s + reach_s}
    return {name: value / every_s for name, value in shares.items()} | {
        "save_ms": save * 1000,
        "every_s": every_s,
        "pairs": len(saving),
    }


def _each(seconds: list[float]) -> dict[str, float]:
    return {"count": len(seconds), "first_s": seconds[0], "median_s": statistics.median(seconds)}
