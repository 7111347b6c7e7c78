"""What could not be seen or tried, each as a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from fitdoctor.analysis.interrupted import interrupted
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import file_and_line
from fitdoctor.recording.blocked_writes import action
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Ending
from fitdoctor.remedies.registry import load_problems

#: How a child may end without being at its end, and what that means for the answer.
_ENDINGS = {
    "unfinished": "The script was still running when it was left: what would have come after was not seen.",
    "exception": "The script raised {error}{place}: what would have come after was not seen.",
    "limit": "The script was ended when its time was up{place}: what would have come after was not seen.",
    "blocked-write": "The script was ended before it could {action} {message}{place}; --allow-writes lets it.",
    "interrupted": "The script was interrupted{place}: what would have come after was not seen.",
    "killed": "The script's process was killed by {message}: what would have come after was not seen.",
    "declined": "The script was not gone through: {message}",
}


def limits(facts: Facts, problems: Iterable[str]) -> tuple[str, ...]:
    """All limits of a run, each once, in the order in which they arose."""
    found = [interrupted(facts), *facts.run.limits, *facts.scout.limits]
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
        rest = "" if watched else ": what it did not do was not seen"
        return [f"The script left with exit code {ending.code}{place}{rest}."]
    sentence = _ENDINGS.get(ending.how)
    if sentence is None:
        return []
    place = f" at {file_and_line(ending.site)}" if ending.site else ""
    error = f"{ending.error}: {headline(ending.message)}" if ending.message else ending.error or "an exception"
    return [sentence.format(error=error, message=ending.message or "a file", place=place, action=action(ending.error))]
