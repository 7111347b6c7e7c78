"""Where fitdoctor's own files lie: frames of these files are ours, and not the user's."""

from __future__ import annotations

import os

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
"""The folder of the package `fitdoctor`, with a separator at its end."""

LAUNCH = PACKAGE + "launch.py"
"""The program that becomes the user's script."""
