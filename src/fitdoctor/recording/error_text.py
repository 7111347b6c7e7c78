"""The line of an exception's message that names the problem."""

from __future__ import annotations

import re

LONGEST = 300
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
# The preamble that Keras and TensorFlow put before the message itself.
_PREAMBLE = re.compile(r"(\w+: )?(Graph execution error:|Exception encountered when calling )")
# TensorFlow then lists where a node was defined, like a traceback.
_WHERE = re.compile(r"Detected at node |<stack traces unavailable>|File \"|Traceback |\[\[|\d+ root error")
_NAMED = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Warning|Interrupt): ")


def headline(message: str) -> str:
    r"""Returns one line: the first, or the inner error if the first is only the framework's preamble.

    Example:
        >>> headline("Graph execution error:\n\nDetected at node PyFunc defined at:\nOSError: bad file 17\n")
        'OSError: bad file 17'
    """
    lines = [line.strip() for line in _ESCAPES.sub("", message).splitlines() if line.strip()]
    if not lines:
        return ""
    chosen = lines[0]
    if _PREAMBLE.match(chosen) and len(lines) > 1:
        named = next((line for line in lines[1:] if _NAMED.match(line)), None)
        chosen = named or next((line for line in lines[1:] if not _WHERE.match(line)), chosen)
    return chosen if len(chosen) <= LONGEST else chosen[: LONGEST - 1] + "…"
