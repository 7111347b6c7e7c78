"""Paths of fitdoctor's own files. Frames of these files are ours, not the user's."""

from __future__ import annotations

import os

# The folder of the package `fitdoctor`, with a separator at its end.
PACKAGE = (
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
)  # The program that runs the user's script.
LAUNCH = PACKAGE + "launch.py"
