"""How far a diagnosis has come."""

from __future__ import annotations

from typing import Literal

Stage = Literal["first answer", "final"]
