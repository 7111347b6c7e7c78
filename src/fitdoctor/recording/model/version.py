"""The version of the format."""

from __future__ import annotations

# Increase it when the meaning or the name of a field changes: `recording.load` refuses other versions.
VERSION = 1
