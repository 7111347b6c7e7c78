"""Everything that is derived from a run. Each fact is computed once, on first use, and shared by all causes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from fitdoctor.errors import FitdoctorError
from fitdoctor.facts.call_site import CallSiteFacts
from fitdoctor.facts.epochs import Basis, Bound
from fitdoctor.facts.fit import FitFacts, nested_step_s
from fitdoctor.facts.locations import file_and_line
from fitdoctor.facts.measured_ratios import MeasuredRatios
from fitdoctor.facts.projection import Projection, project
from fitdoctor.facts.units import times
from fitdoctor.facts.watched_fit import WatchedFit, if_uncut, observed_terms, with_watched_length
from fitdoctor.recording.model import ModelInspection, ProcessRecord, Run
from fitdoctor.report.model import BACKENDS, Interval

# Parts of the process that are paid once, however often the training repeats its units.
ONCE = ("imports", "start", "script", "shutdown")
# The backends that trials support. On other backends a training is only observed.
TRIED = ("tensorflow", "jax", "torch", "tf_keras")
# A cost below this share of the whole training is no cause: identical runs differ by about as much.
WORTHWHILE_SHARE = 0.05


class Facts:
    """What is known about a training.

    Args:
        run: The recordings of one diagnosis.
        measured: The ratios that its trials measured, if there were any.

    Raises:
        FitdoctorError: The run holds neither a scout nor a watched training.

    Example:
        >>> facts = Facts(run)
        >>> facts.total_s, facts.share(facts.fits[0].id)
    """

    def __init__(self, run: Run, measured: MeasuredRatios | None = None) -> None:
        scout = run.scout or run.watched
        if scout is None:
            raise FitdoctorError(
                "Received a run without a recording of its script, expected at least one. Diagnose the script again."
            )
        self.run = run
        # The basis of all figures: the scout, or the watched training if there is no scout.
        self.scout: ProcessRecord = scout
        # Whether the whole training was observed, so that nothing is projected.
        self.observed = run.scout is None
        self.measured = measured or MeasuredRatios()

    @cached_property
    def can_be_tried(self) -> bool:
        """Whether trials support the backend of the training."""
        return self.backend in TRIED

    @cached_property
    def backend(self) -> str:
        """Keras' backend, by Keras' name for it."""
        return str(self.scout.environment.get("backend", TRIED[0]))

    def is_eager(self, fit: FitFacts) -> bool:
        """Whether Python launches each operation of a fit's steps although they could be compiled.

        On JAX only `jit_compile` compiles them. PyTorch launches each operation in any case, whatever `run_eagerly` is.
        """
        record = fit.record
        if self.backend == "torch":
            return False
        return record.run_eagerly or record.eager_globally or self.backend == "jax" and not record.jit_compile

    @cached_property
    def fits(self) -> tuple[FitFacts, ...]:
        records = self.scout.fits
        nested_s = [nested_step_s(index, record, self.scout.loops) for index, record in enumerate(records)]
        if self.observed:
            return tuple(WatchedFit(index, record, nested_s[index], record) for index, record in enumerate(records))
        watched = (
            {(record.site.file, record.site.line): record for record in self.run.watched.fits}
            if self.run.watched
            else {}
        )
        seen = [watched.get((record.site.file, record.site.line)) for record in records]
        return tuple(
            FitFacts(index, with_watched_length(record, seen[index]), nested_s[index], seen[index] or if_uncut(record))
            for index, record in enumerate(records)
        )

    @cached_property
    def loops(self) -> tuple[CallSiteFacts, ...]:
        fits = self.fits
        return tuple(
            CallSiteFacts(index, record, fits[record.inside] if 0 <= record.inside < len(fits) else None)
            for index, record in enumerate(self.scout.loops)
        )

    @cached_property
    def imports_s(self) -> float:
        return self.part_s("imports")

    @cached_property
    def unattributed_s(self) -> float:
        """Seconds of the scout that belong to none of its parts, and seconds of its fits that belong to no duration."""
        if self.observed:
            known_s = sum(self.part_s(name) for name in ONCE) + sum(
                term.s for term in observed_terms(self.fits, self.loops)
            )
            return max(0.0, self.scout.wall_s - known_s)
        outside_s = self.scout.wall_s - sum(self.scout.parts.values())
        inside_s = self.part_s("fit") - sum(fit.recorded_s for fit in self.fits)
        return max(0.0, outside_s) + max(0.0, inside_s)

    def part_s(self, name: str) -> float:
        """Seconds of a part of the process that is paid once."""
        return max(0.0, self.scout.parts.get(name, 0.0))

    @cached_property
    def fixed_s(self) -> float:
        return sum(self.part_s(name) for name in ONCE) + self.unattributed_s

    @cached_property
    def projection(self) -> Projection:
        """The whole training as written, or as measured if it was watched."""
        if self.observed:
            return Projection(fixed_s=self.fixed_s, terms=observed_terms(self.fits, self.loops))
        return project(self.fixed_s, self.fits, self.loops, "mid")

    @cached_property
    def shortest(self) -> Projection:
        """The whole training if every stopping rule ended it as early as possible."""
        if self.observed:
            return self.projection
        return project(self.fixed_s, self.fits, self.loops, "low")

    def projection_at(self, bound: Bound) -> Projection:
        return self.shortest if bound == "low" else self.projection

    @cached_property
    def total_s(self) -> float:
        return self.projection.total_s

    @cached_property
    def basis(self) -> Basis:
        """The basis of the training's length: the weakest basis of its fits."""
        found = {fit.epochs.basis for fit in self.fits}
        order: tuple[Basis, ...] = ("unknown", "upper bound", "observed", "declared")
        if not found:
            return "observed"
        return next(basis for basis in order if basis in found)

    def share(self, prefix: str) -> float:
        """The share of the whole training that a fit or loop takes, by its id."""
        return self.share_of(self.projection.under(f"{prefix}/"))

    def share_of(self, seconds: float) -> float:
        return seconds / self.total_s if self.total_s > 0 else 0.0

    def worthwhile(self, cost: Interval) -> bool:
        """Whether a cost may be large enough to be a cause."""
        return self.share_of(cost.high) >= WORTHWHILE_SHARE

    def input_cost(self, fit: FitFacts) -> tuple[Interval, bool]:
        """Seconds that a fit waits for its input, and whether they were measured.

        Batches that are drawn while earlier steps are computed cost nothing. If nothing was measured, the cost may be
        anything from zero to the whole train function, or to its whole wait.
        """
        steps = fit.steps("mid")
        if fit.wait_s is not None:
            each = fit.unit(fit.record.input_wait, fit.period)
            return times(each, steps / fit.per_execution), True
        ratio = self.measured.input_free.get(fit.index)
        if ratio is None and fit.idle_s is not None:
            return times(fit.unit(fit.record.input_idle, fit.period), steps / fit.per_execution), True
        if ratio is None:
            most_s = (fit.function_s if fit.drawn_s is None else fit.drawn_s) * steps
            return Interval(low=0.0, mid=most_s / 2, high=most_s), False
        low, mid, high = (
            min(_saved(end) * fit.step_s, fit.step_s) * steps for end in (ratio.low, ratio.mid, ratio.high)
        )
        return Interval(low=low, mid=mid, high=high), True

    def input_matters(self, fit: FitFacts) -> bool:
        """Whether a fit's wait for input is worth a cause: the measured wait, or the longest possible one."""
        cost, measured = self.input_cost(fit)
        return self.share_of(cost.mid if measured else cost.high) >= WORTHWHILE_SHARE

    def inside(self, index: int) -> ModelInspection | None:
        """The inspection of a fit's model by a rehearsal, if there was one."""
        inspections = (each.inside for each in self.run.rehearsals if each.target == "fit" and each.index == index)
        return next((found for found in inspections if found is not None), None)

    def limits(self) -> Iterator[str]:
        """A sentence for each fact of the training that is unknown."""
        if not self.can_be_tried:
            backend = BACKENDS.get(self.backend, self.backend)
            yield (f"Nothing was tried: there are no trials on {backend} yet. The report shows the script as it ran.")
        for fit in self.fits:
            where = file_and_line(fit.record.site)
            if not fit.steps_known:
                yield (
                    f"The length of an epoch of the fit at {where} is unknown: "
                    f"{fit.steps_per_epoch} steps, the most that were run, are a lower bound."
                )
            if fit.epochs.basis == "upper bound":
                yield (
                    f"A callback of the fit at {where} may stop it early: its {fit.epochs.mid} epochs are an upper "
                    "bound, "
                    "and savings hold for any number from the observed ones on."
                )
            if fit.record.declined:
                yield f"The fit at {where} was not measured: {fit.record.declined}"


def _saved(ratio: float) -> float:
    return max(0.0, 1.0 - 1.0 / ratio) if ratio > 0 else 0.0
