"""Which callbacks save, when, and what that is worth."""

from __future__ import annotations

from fitdoctor.facts.units import unit_s
from fitdoctor.recording.model import CallbackRecord
from fitdoctor.wording import duration, size

#: Keras' own callbacks that save.
SAVING = frozenset({"ModelCheckpoint", "BackupAndRestore"})
#: A callback of the script's own counts as one that saves where at least this share of its hooks' time is saving.
MOSTLY_SAVING = 0.5
#: A window of a trial must hold a save: beyond this, windows would be too long to be many.
LONGEST_PERIOD_S = 1.0


def is_for_saving(callback: CallbackRecord) -> bool:
    """Whether a callback is there to save:

    one of Keras', or one of the script's own that spends most of its time on it.
    """
    if not callback.own:
        return callback.name in SAVING
    hooks_s = sum(took.total_s for took in callback.hooks.values())
    return callback.saves.count > 0 and callback.saves.total_s >= MOSTLY_SAVING * hooks_s


def batches_apart(callback: CallbackRecord) -> int | None:
    """After how many batches a callback of Keras' saves, or None where it saves by epoch."""
    every = callback.attributes.get("save_freq")
    return every if isinstance(every, int) and not isinstance(every, bool) and every > 0 else None


def keeps_the_best(callback: CallbackRecord) -> bool:
    """Whether a callback saves only what is better than before, so that how often it saves depends on the scores."""
    return bool(callback.attributes.get("save_best_only"))


def save_text(callback: CallbackRecord) -> str:
    """What one save takes, in words."""
    took = duration(unit_s(callback.saves))
    return f"{took} for {size(callback.saved_bytes)}" if callback.saved_bytes else took
