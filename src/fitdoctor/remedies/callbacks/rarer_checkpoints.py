"""Saves less often: after every fifth epoch, or once an epoch instead of after some batches."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import Place, SetArgument, ThrottleHook
from fitdoctor.facts.checkpoints import LONGEST_PERIOD_S, batches_apart, keeps_the_best
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.hook_kinds import hook_kind
from fitdoctor.facts.locations import place
from fitdoctor.recording.model import CallbackRecord
from fitdoctor.remedies.base import BATCHES_APART, EPOCHS_APART, Finding, Proposal

TITLE = "saving less often"
TREATS = ("frequent-checkpoints",)
SAFETY = "exact"
UNIT = "epoch_end"

TIMES_AS_MANY_BATCHES = 10


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    fit = facts.fits[finding.fit]
    callback = fit.record.callbacks[finding.data["callback"]]
    every = batches_apart(callback)
    if every is not None:
        yield _by_batches(fit, finding.data["callback"], every)
        return
    hooks = [
        hook for hook in finding.data["hooks"] if hook == "on_epoch_end" or hook_kind(hook) == "batch" and callback.own
    ]
    for hook in hooks[:1]:
        by_epoch = hook == "on_epoch_end"
        apart, noun = (EPOCHS_APART, "epochs") if by_epoch else (BATCHES_APART, "batches")
        if by_epoch and fit.epochs.mid <= EPOCHS_APART:
            continue
        yield Proposal(
            changes=(
                ThrottleHook(
                    place=_place(fit, callback), call=callback.name, hook=hook, every=apart, index=callback.index
                ),
            ),
            how=_how(fit, callback) if by_epoch else f"{callback.name}: save every {apart} batches",
            label=f"every {apart} {noun}",
            unit="epoch_end" if by_epoch else "step",
            untried=_unsafe_reason(callback),
        )


def _by_batches(fit: FitFacts, position: int, every: int) -> Proposal:
    callback = fit.record.callbacks[position]
    least = every * TIMES_AS_MANY_BATCHES
    value = max(least, fit.steps_per_epoch) if fit.steps_known else least
    left_s = fit.step_s - fit.batch_hooks_s.get(position, 0.0) * (1 - every / value)
    tried = next((batches for batches in (value, least) if batches * left_s <= LONGEST_PERIOD_S), None)
    how = f"{callback.name}(…, save_freq={_in_words(fit, value)}"
    untried, ratio = _unsafe_reason(callback), None
    if not untried and tried is None:
        ratio = fit.step_s / left_s if left_s > 0 else None
        untried = f"Not timed: the saving follows from {value // every} times fewer saves."
    elif not untried and tried != value:
        how += f"  # tried: a save every {tried} batches"
    tried = tried or value
    change = SetArgument(
        place=_place(fit, callback), call=callback.name, argument="save_freq", value=tried, index=callback.index
    )
    return Proposal(changes=(change,), how=how, label=str(tried), unit="step", untried=untried, unit_ratio=ratio)


def _in_words(fit: FitFacts, batches: int) -> str:
    """The value of `save_freq`, and its meaning in epochs."""
    if not fit.steps_known:
        return f"{batches})"
    if batches == fit.steps_per_epoch:
        return '"epoch")'
    return f"{batches})  # {batches / fit.steps_per_epoch:.3g} epochs of {fit.steps_per_epoch} steps"


def _place(fit: FitFacts, callback: CallbackRecord) -> Place:
    return place(callback.site or fit.record.site)


def _how(fit: FitFacts, callback: CallbackRecord) -> str:
    if callback.own:
        return f"{callback.name}: save every {EPOCHS_APART} epochs"
    return (
        f"{callback.name}(…, save_freq={EPOCHS_APART * fit.steps_per_epoch})  # {EPOCHS_APART} epochs of "
        f"{fit.steps_per_epoch} steps"
    )


def _unsafe_reason(callback: CallbackRecord) -> str:
    if keeps_the_best(callback):
        return f"{callback.name} keeps the best model. With fewer saves, it might miss that model."
    if callback.steers or callback.may_stop:
        return f"{callback.name} acts on the training as well. Called less often, it makes another training."
    return ""
