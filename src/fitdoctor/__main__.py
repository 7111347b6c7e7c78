"""`python -m fitdoctor`."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    # Python puts the current directory here, where a file called random.py would stand in the place of the library's.
    del sys.path[0]

from fitdoctor.cli.main import main

if __name__ == "__main__":
    main(prog_name="fitdoctor")
