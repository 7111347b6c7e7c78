"""`fitdoctor.watch`: observes what a block of code does with Keras, and reports at its end."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from fitdoctor.api import observed, patch_points
from fitdoctor.api.observed import Observation, Pass
from fitdoctor.report.model import Report


class watch:  # noqa: N801 - read as a statement: with fitdoctor.watch():
    """Observes a block of code: its fits, its loops of `predict` and the like, and how it builds tf.data pipelines.

    Nothing is shortened, changed or tried. The recipe of a pipeline stays with it, so that `fitdoctor.diagnose` can try
    changes of it afterwards.

    Args:
        show: Whether to print the report on stderr at the end of the block. It is in `report` in any case.

    Attributes:
        report: The report; None before the end of the block, or if no fit did a step.

    Raises:
        FitdoctorError: On entering the block, where this Keras can't be observed.

    Example:
        >>> with fitdoctor.watch() as watched:
        ...     dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
        ...     model.fit(dataset, epochs=20)
        >>> watched.report.verdict
        'causes'
    """

    def __init__(self, *, show: bool = True) -> None:
        self.show = show
        self.report: Report | None = None

    def __enter__(self) -> Self:
        patch_points.check_supported()
        self._forwarder = Pass()
        self._undos = [patch_points.install(self._forwarder), patch_points.record_recipes()]
        self._observation = Observation()
        self._forwarder.to = self._observation.role
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forwarder.to = None
        for undo in reversed(self._undos):
            undo()
        try:
            self.report = self._observation.end(error)
            if self.show:
                observed.say(self.report)
        except Exception as failure:  # an error of ours must not replace that of the block
            observed.say_failed(failure)
