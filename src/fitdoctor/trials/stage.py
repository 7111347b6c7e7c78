"""How far a diagnosis has come."""

from __future__ import annotations

from typing import Literal

Stage = Literal["first answer", "final", "watched"]
"""A training that was only watched is told of as it went: nothing was tried, and nothing is promised."""
