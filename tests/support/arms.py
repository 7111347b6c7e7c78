"""Arms as a rehearsal gets them."""

from __future__ import annotations

from fitdoctor.changes.model import Change
from fitdoctor.recording.trial_protocol import ArmSpec


def arm(name: str, *changes: Change, unit: str = "step") -> ArmSpec:
    role = name if name in ("baseline", "placebo") else "remedy"
    data = [change.to_data() for change in changes]
    return ArmSpec(id=f"{unit}/{name}", role=role, unit=unit, remedy=name, changes=data)
