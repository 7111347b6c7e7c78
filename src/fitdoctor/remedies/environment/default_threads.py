"""Removes thread settings, so that TensorFlow starts one thread a core, or sets as many as a container grants."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.allowed import VARIABLES
from fitdoctor.changes.environment import START_CALLS
from fitdoctor.changes.model import Change, Place, SetArgument, SetEnvironment
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.facts.thread_settings import as_written, usable_cores
from fitdoctor.recording.model import ThreadSetting
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "threads to suit the cores"
TREATS = ("unused-cores", "oversubscribed-cores")
SAFETY = "numerics"
UNIT = "process"

SETTINGS = VARIABLES | START_CALLS


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    named = finding.data.get("settings", ())
    settings = [setting for setting in facts.scout.threads if setting.name in named and setting.name in SETTINGS]
    cores, granted = facts.scout.environment.get("cores"), usable_cores(facts)
    # TensorFlow counts the cores and ignores the limit of a container. Its choice is right only if both agree.
    threads = granted if granted != cores else 0
    if not settings:
        return
    changes = tuple(_change(facts, setting, threads) for setting in settings)
    how = f"{threads} threads in place of {as_written(settings)}" if threads else f"without {as_written(settings)}"
    yield Proposal(changes=changes, how=how)


def _change(facts: Facts, setting: ThreadSetting, threads: int) -> Change:
    where = place(setting.site) if setting.site else Place(file=facts.run.script, line=0)
    if "." in setting.name:
        return SetArgument(place=where, call=setting.name, argument="num_threads", value=threads)
    return SetEnvironment(place=where, name=setting.name, value=str(threads) if threads else None)
