"""Runs the whole script with the changes of a prescription applied while it runs, the source untouched."""

from __future__ import annotations

import os
import sys
from typing import Any

from fitdoctor.changes import apply
from fitdoctor.changes.model import Change, ReplaceCall, ScaleInput, from_data
from fitdoctor.probe import sites
from fitdoctor.probe.calls import replaced, suits
from fitdoctor.probe.observer import Observer, bind
from fitdoctor.recording.model import Site


class TreatDirector(Observer):
    """Lets everything run in full, and changes the calls that the prescription names.

    Args:
        scout: A record that is never read.
        ledger: The account of the main thread.
        save: Writes the record.
        spec: `treatments` lists call sites (`kind`, `file`, `line`) with their changes.
    """

    def __init__(self, scout: Any, ledger: Any, save: Any, spec: dict[str, Any]) -> None:
        super().__init__(scout, ledger, save)
        self._changes: dict[tuple[str, str, int], list[Change]] = {}
        for treatment in spec["treatments"]:
            key = (treatment["kind"], treatment["file"], treatment["line"])
            self._changes.setdefault(key, []).extend(map(from_data, treatment["changes"]))
        self._failed: set[tuple[str, str, int]] = set()

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        site = sites.find() or Site(file="", line=0)
        key = (kind, site.file, site.line)
        changes = self._changes.get(key)
        if not changes or key in self._failed:
            return original(model, *arguments, **keywords)
        bound = bind(original, model, arguments, keywords)
        for change in changes:
            if isinstance(change, ReplaceCall):
                return replaced(change, model, bound) if suits(kind, model, bound) else original(model, *arguments, **keywords)
        if kind == "fit":
            return self._fit(original, model, bound, changes, key)
        return original(model, *arguments, **keywords)

    def hook(self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return original(callbacks, *arguments, **keywords)

    def stop_here(self, iterator: Any) -> bool:
        return False

    def end(self, ending: Any) -> None:
        """Nothing is recorded: the training's own result is the result."""

    def _fit(self, original: Any, model: Any, bound: dict[str, Any], changes: list[Change], key: tuple[str, str, int]) -> Any:
        from fitdoctor.probe.feeds import Feeds  # NumPy reads its settings when it is imported: not before the script does

        undos: list[apply.Undo] = []
        treated = bound
        try:
            feeds = Feeds(model, bound, len(os.sched_getaffinity(0)))
            treated = {**apply.to_fit(bound, changes), **feeds.changed_arguments(changes)}
            treated["x"] = feeds.changed_input(treated["x"], changes)
            undos.append(apply.to_callbacks(_items(bound["callbacks"]), changes))
            undos.append(apply.to_model(model, changes))
            _scale(model, bound["x"], changes)
            model.train_function = None
        except Exception as error:
            # The training goes on as the user wrote it: a treatment that does not fit is no reason to stop it.
            sys.stderr.write(f"fitdoctor: not treated at {key[1]}:{key[2]}: {type(error).__name__}: {error}\n")
            self._failed.add(key)
            treated = bound
        try:
            return original(model, **treated)
        finally:
            for undo in reversed(undos):
                undo()
            model.train_function = None


def _scale(model: Any, x: Any, changes: list[Change]) -> None:
    """Puts scaling in front of the model where a change asks for it, once and for good: what is predicted later needs it as well."""
    from fitdoctor.changes import scale
    from fitdoctor.probe import describe, spread

    if not any(isinstance(change, ScaleInput) for change in changes) or "call" in vars(model):
        return
    samples = dict(spread.sampled(x, describe.input_kind(x), draw=True))
    scale.put_in_front(model, scale.wanted(samples, changes))
    model.test_function = model.predict_function = None


def _items(callbacks: Any) -> list[Any]:
    """Fit's callbacks as the flat list that positions count in."""
    import keras

    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(keras.tree.flatten(callbacks))
