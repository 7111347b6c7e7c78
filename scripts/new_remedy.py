"""Creates the skeleton of a remedy and of its test.

Example:
    python scripts/new_remedy.py pipeline packed-files "one file in place of thousands"
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skeletons import REPOSITORY, fill, name_from, write_new

REMEDY = '''"""<title>: what it changes, and why that removes its causes."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "<title>"
TREATS: tuple[str, ...] = ()
SAFETY = "semantics"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    where = place(record.compile_site or record.site)
    change = SetArgument(place=where, call="Model.compile", argument="jit_compile", value=record.jit_compile)
    yield Proposal(changes=(change,), how="model.compile(…)")
'''

TEST = '''"""What `<id>` proposes, and when it proposes nothing."""

from __future__ import annotations

from fitdoctor.causes.registry import all_causes
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.recording.model import Fit, ProcessRecord, Run, Site
from fitdoctor.remedies.<folder>.<module> import TREATS, propose
from fitdoctor.report.model import Interval

COST = Interval(low=1.0, mid=1.0, high=1.0)


def facts() -> Facts:
    """One fit at line 9. Add the facts that the remedy reads."""
    site = Site(file="train.py", line=9)
    fit = Fit(site=site, calls=1, calls_run=1, epochs=10, steps_per_epoch=100, steps_basis="declared")
    return Facts(Run(scout=ProcessRecord(fits=[fit])))


def test_it_treats_existing_causes() -> None:
    assert TREATS
    assert set(TREATS) <= set(all_causes())


def test_it_proposes_the_change() -> None:
    (proposal,) = propose(Finding(fit=0, cost_s=COST), facts())
    assert [change.to_data() for change in proposal.changes] == ["what changes.model describes"]
    assert proposal.how


def test_it_proposes_nothing_for_a_finding_outside_fit() -> None:
    assert list(propose(Finding(cost_s=COST), facts())) == []
'''


def main(arguments: Sequence[str] | None = None) -> int:
    name = name_from(
        arguments,
        description="Creates the skeleton of a remedy and of its test, which fails until both are filled in.",
        package="remedies",
        folder="place",
        example="packed-files",
    )
    return write_new(
        {
            REPOSITORY / "src" / "fitdoctor" / "remedies" / name.folder / f"{name.module}.py": fill(REMEDY, name),
            REPOSITORY / "tests" / "remedies" / f"test_{name.module}.py": fill(TEST, name),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
