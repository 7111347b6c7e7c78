"""Records calls of `predict`, `evaluate` and the `…_on_batch` methods, by the place that they are made from."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.observe.environment_recorder import EnvironmentRecorder
from fitdoctor.probe.observe.session import Session
from fitdoctor.probe.support import call_sites, creation_sites
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.model import CallSiteRecord, Site


class CallRecorder:
    """Records calls, which `begin` and `end` surround. It decides nothing about them.

    Args:
        session: What is shared with the role.
        environment: Records what the script trains with.
    """

    def __init__(self, session: Session, environment: EnvironmentRecorder) -> None:
        self._session, self._environment = session, environment
        self._records: dict[tuple[str, str, int, int, str], CallSiteRecord] = {}
        self._outer_skips: list[Any] = []

    def begin(self, kind: str, model: Any, bound: dict[str, Any]) -> CallSiteRecord:
        """Counts a call and charges the time to it from here on."""
        session = self._session
        site = call_sites.find() or Site(file="", line=0)
        self._environment.note_call(model, is_fit=False)
        session.ledger.rebase("script")
        record = self._record_of(kind, model, site)
        record.calls += 1
        if record.rows is None and "x" in bound:
            record.rows, record.batch_size = kinds.rows(bound["x"]), bound.get("batch_size") or DEFAULT_BATCH_SIZE
        session.current_call = record
        if session.timer is not None:
            session.timer.in_call = True
        self._outer_skips.append(session.step_skip.pause())
        session.ledger.push("loops")
        return record

    def _record_of(self, kind: str, model: Any, site: Site) -> CallSiteRecord:
        timer = self._session.timer
        inside, hook = (self._session.fit_index, timer.hook) if timer is not None else (-1, "")
        key = (kind, site.file, site.line, inside, hook)
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = CallSiteRecord(kind=kind, site=site, inside=inside, hook=hook)
            record.jit_compile = getattr(model, "jit_compile", False) is True
            record.compile_site = creation_sites.site_of(model)
            self._session.record.loops.append(record)
        return record

    def end(self, seconds: float) -> None:
        """Closes what `begin` opened."""
        session = self._session
        session.ledger.pop()
        self._environment.name_devices()
        session.current_call = None
        session.step_skip.resume(self._outer_skips.pop())
        if session.timer is not None:
            session.timer.in_call = False
            session.timer.nested_s += seconds
