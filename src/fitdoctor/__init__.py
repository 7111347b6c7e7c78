"""fitdoctor finds out why a Keras `fit()` is slow, and proves what makes it fast."""

from __future__ import annotations

# As `typing` has it, which is not imported: with `python -m fitdoctor` a file of that name in the current directory
# would be.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from fitdoctor.api.diagnose import diagnose as diagnose
    from fitdoctor.api.doctor import Doctor as Doctor
    from fitdoctor.api.watch import watch as watch
    from fitdoctor.report.json import load_report as load_report

__version__ = "0.1.0"
__all__ = ["Doctor", "__version__", "diagnose", "load_report", "watch"]


def __getattr__(name: str) -> object:
    """Loads the public API on first use: `import fitdoctor` costs next to nothing, in the user's process above all."""
    if name == "Doctor":
        from fitdoctor.api.doctor import Doctor

        return Doctor
    if name == "diagnose":
        from fitdoctor.api.diagnose import diagnose

        return diagnose
    if name == "watch":
        from fitdoctor.api.watch import watch

        return watch
    if name == "load_report":
        from fitdoctor.report.json import load_report

        return load_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
