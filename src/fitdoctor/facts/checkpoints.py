"""Which callbacks save, how often, and how long a save takes."""

from __future__ import annotations

from fitdoctor.facts.units import unit_s
from fitdoctor.recording.model import CallbackRecord
from fitdoctor.wording import duration, size

# Keras' own callbacks that save.
SAVING = frozenset({"ModelCheckpoint", "BackupAndRestore"})
# A callback of the script's own saves if saving takes at least this share of its hooks' time.
MOSTLY_SAVING = 0.5
# A window of a trial must hold a save. With a longer period, there could not be many windows.
LONGEST_PERIOD_S = 1.0


def is_for_saving(callback: CallbackRecord) -> bool:
    """Whether a callback saves: one of Keras', or one of the script's own that mostly saves."""
    if not callback.own:
        return callback.name in SAVING
    hooks_s = sum(took.total_s for took in callback.hooks.values())
    return callback.saves.count > 0 and callback.saves.total_s >= MOSTLY_SAVING * hooks_s


def batches_apart(callback: CallbackRecord) -> int | None:
    """After how many batches a callback of Keras saves, or None if it saves by epoch."""
    every = callback.attributes.get("save_freq")
    return every if isinstance(every, int) and not isinstance(every, bool) and every > 0 else None


def keeps_the_best(callback: CallbackRecord) -> bool:
    """Whether a callback saves only better models than before, so that the scores decide how often it saves."""
    return bool(callback.attributes.get("save_best_only"))


def save_text(callback: CallbackRecord) -> str:
    """The time and the size of one save, in words."""
    took = duration(unit_s(callback.saves))
    return f"{took} for {size(callback.saved_bytes)}" if callback.saved_bytes else took
