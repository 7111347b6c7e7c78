"""Arms as a rehearsal gets them."""

from __future__ import annotations

from typing import Any

from fitdoctor.changes.model import Change


def arm(name: str, *changes: Change, unit: str = "step") -> dict[str, Any]:
    role = name if name in ("baseline", "placebo") else "remedy"
    return {
        "id": f"{unit}/{name}",
        "role": role,
        "unit": unit,
        "remedy": name,
        "changes": [change.to_data() for change in changes],
    }
