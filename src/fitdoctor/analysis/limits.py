"""The limits of a run: what could not be measured or tried, each as a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from fitdoctor.analysis.interrupted import interruption
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.recording.blocked_writes import action
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Ending
from fitdoctor.remedies.registry import load_problems

# How the script may end early, and what that means for the report.
_ENDINGS = {
    "unfinished": "The script was stopped while it was running. The rest of it was not measured.",
    "exception": "The script raised {error}{place}. The rest of it was not measured.",
    "limit": "The script was stopped{place} when its time was used up. The rest of it was not measured.",
    "blocked-write": "The script was stopped before it could {action} {message}{place}; --allow-writes allows that.",
    "interrupted": "The script was interrupted{place}. The rest of it was not measured.",
    "killed": "The script's process was killed by {message}. The rest of it was not measured.",
    "declined": "The script was not run through: {message}",
}


def limits(facts: Facts, problems: Iterable[str]) -> tuple[str, ...]:
    """Returns all limits of a run, each once, in the order in which they arose."""
    found = [interruption(facts), *facts.run.limits, *facts.scout.limits]
    found += facts.scout.system.limits if facts.scout.system is not None else []
    found += _ending(facts.scout.ending, watched=facts.observed)
    found += facts.limits()
    for rehearsal in facts.run.rehearsals:
        found += rehearsal.limits
    found += [*problems, *load_problems()]
    return tuple(dict.fromkeys(sentence for sentence in found if sentence))


def _ending(ending: Ending, *, watched: bool) -> list[str]:
    if ending.how == "exit" and ending.code not in (0, None):
        place = f" at {file_and_line(ending.site)}" if ending.site else ""
        rest = "" if watched else " The rest of it was not measured."
        return [f"The script exited with code {ending.code}{place}.{rest}"]
    sentence = _ENDINGS.get(ending.how)
    if sentence is None:
        return []
    place = f" at {file_and_line(ending.site)}" if ending.site else ""
    error = f"{ending.error}: {headline(ending.message)}" if ending.message else ending.error or "an exception"
    return [sentence.format(error=error, message=ending.message or "a file", place=place, action=action(ending.error))]
