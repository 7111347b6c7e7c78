"""Of short steps a few in a row are looked at, and then none for a while:

what a step reads meanwhile, and how what it took is split.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.probe.timing.hook_bypass import Aside
from fitdoctor.recording.model import Fit

LONG_S = 0.002
"""Where a step takes this long, each is looked at. Of shorter ones, after the first few hundred, a few in a row are,
and then none for a while: what a look takes would weigh too much in them. Of those between it is still known how many
there are, what they take together, what is waited for their batches and what the script's own callbacks take; the rest
of their time is split as that of the few before them."""
LOOKED_FIRST, LOOKED = 256, 8
RESTS = (379, 487, 421, 541, 347, 467, 569, 397)
"""How many steps pass between, in turn: primes, and never the same number, as scripts do things every so many steps."""
LONGER = 3
"""Times as many pass where no batch was long waited for of late: a look takes some 0.1 ms, which is what steps of 10
ms, where each is looked at, take longer (`docs/overhead.md`), and would be near 1 % of steps of 0.2 ms."""
UNUSUAL = 1.5
"""Where steps that nobody looked at took so many times as long as those before them, something held them up: the eight
that were looked at differ by less from each other. The next batches are timed all the same, in case it was the
input."""


@dataclass(slots=True, eq=False)
class Rest:
    """What each step reads and writes while none is looked at: one small object, as a step finds it in no cache any
    more.

    Attributes:
        of: The list of callbacks of the fit that rests; None while its steps are looked at, and while a hook runs
            something else.
        left: How many steps pass before the next one that is looked at.
        ended_s: When the last one ended.
        drawn_s: What was waited for batches since it began, long waits apart.
        source: What the loop draws its batches from then, where the loop itself does that.
        passing: How many batches may be drawn in it with no clock, as how long they are waited for is known from the
            steps before.
        aside: Where they pass so, no seam needs to stand in the way of the steps either: `left` stands still then.
        usual_s: What a batch then takes, and its step's share.
    """

    of: Any = None
    left: int = 0
    ended_s: float = 0.0
    drawn_s: float = 0.0
    source: Any = None
    passing: int = 0
    aside: Aside = field(default_factory=Aside)
    usual_s: float = 0.0

    def is_over(self) -> None:
        """From here on steps are looked at."""
        self.of = self.source = None
        self.come_back(last_ended=True)

    def come_back(self, *, last_ended: bool) -> None:
        """From here on the seams of steps stand: see `Aside.end`."""
        if self.aside.begun:
            self.left -= self.aside.end(last_ended=last_ended)


@dataclass(slots=True)
class Split:
    """What steps took, and how that splits."""

    steps: int = 0
    step_s: float = 0.0
    function_s: float = 0.0
    logs_s: float = 0.0
    wait_s: float = 0.0
    hooks_s: float = 0.0

    @classmethod
    def until_now(cls, record: Fit, hooks_s: float) -> Split:
        step, function, logs, wait = record.step, record.function, record.logs, record.input_wait
        return cls(step.count, step.total_s, function.total_s, logs.total_s, wait.total_s, hooks_s)

    def since(self, earlier: Split) -> Split:
        return Split(
            self.steps - earlier.steps,
            self.step_s - earlier.step_s,
            self.function_s - earlier.function_s,
            self.logs_s - earlier.logs_s,
            self.wait_s - earlier.wait_s,
            self.hooks_s - earlier.hooks_s,
        )

    def waited_in(self, seconds: float) -> float:
        """What of so many seconds without hooks is waited for input, where that was not timed."""
        known_s = self.step_s - self.hooks_s
        return seconds * min(1.0, self.wait_s / known_s) if known_s > 0 else 0.0

    def is_usual(self, steps: int, seconds: float) -> bool:
        """Whether so many steps took about as long as these."""
        return seconds * self.steps <= UNUSUAL * steps * self.step_s

    def of(self, seconds: float, wait_s: float, *, in_function: bool) -> tuple[float, float]:
        """What the train function and the logs take of so many seconds without hooks, of which so many are waited for
        input.
        """
        inside_s = self.function_s - self.wait_s if in_function else self.function_s
        known_s = self.step_s - self.hooks_s - self.wait_s
        share = max(0.0, seconds - wait_s) / known_s if known_s > 0 else 0.0
        return max(0.0, inside_s) * share + (wait_s if in_function else 0.0), self.logs_s * share
