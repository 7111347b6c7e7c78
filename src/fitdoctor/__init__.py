"""fitdoctor finds out why a Keras `fit()` is slow, and proves what makes it fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fitdoctor.report.json import load_report as load_report

__version__ = "0.1.0"
__all__ = ["__version__", "load_report"]


def __getattr__(name: str) -> object:
    """Loads the public API on first use: `import fitdoctor` costs next to nothing, in the user's process above all."""
    if name == "load_report":
        from fitdoctor.report.json import load_report

        return load_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
