"""What runs of the script did that no file system holds back, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from fitdoctor.recording.model import Run

# Names of one kind in a sentence. The recording holds more.
LISTED = 8

WORDS = {
    "connection": "connected to {}",
    "socket": "connected to the service at {}",
    "listening": "waited for connections at {}",
    "program": "started {}",
}
OFFLINE = {**WORDS, "connection": "asked for a connection to {}"}


def side_effects(run: Run) -> tuple[str, ...]:
    """One sentence for all that was done in the same number of runs, the most frequent first.

    Example:
        >>> side_effects(run)
        ('In each of 3 runs, the script connected to tracker.example:443 and started git, nvidia-smi.',)
    """
    found = []
    for runs in sorted({effect.runs for effect in run.side_effects}, reverse=True):
        kinds = {
            kind: [effect.what for effect in run.side_effects if (effect.kind, effect.runs) == (kind, runs)]
            for kind in WORDS
        }
        words = OFFLINE if run.offline else WORDS
        did = [words[kind].format(_listed(names)) for kind, names in kinds.items() if names]
        if did:
            found.append(f"{_how_often(runs, run.tried_runs)}, the script {_joined(did)}.")
    if run.offline:
        found.append("The runs were offline: connections to other machines were refused.")
    return tuple(found)


def _how_often(runs: int, total: int) -> str:
    if runs < total:
        return f"In {runs} of {total} runs"
    return "In its only run" if total <= 1 else f"In each of {total} runs"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _joined(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
