"""`python -m fitdoctor`."""

from __future__ import annotations

from fitdoctor.cli.main import main

if __name__ == "__main__":
    main(prog_name="fitdoctor")
