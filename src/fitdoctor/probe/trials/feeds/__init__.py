"""The inputs of the arms of a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitdoctor.probe.trials.feeds.base import Feeds


def feeds_of(model: Any, bound: dict[str, Any], cores: int) -> Feeds:
    """The feeds of the backend that the script runs on.

    Args:
        model: The model that is fitted.
        bound: Fit's arguments by name, validation already split off.
        cores: How many parallel calls stand for an automatic number of them.
    """
    # NumPy reads its settings when it is imported, which the script does first.
    from fitdoctor.probe import backends

    if backends.on_tensorflow():
        from fitdoctor.probe.trials.feeds.tfdata import TensorFlowFeeds

        return TensorFlowFeeds(model, bound, cores)
    from fitdoctor.probe.trials.feeds.python import PythonFeeds

    return PythonFeeds(model, bound, cores)
