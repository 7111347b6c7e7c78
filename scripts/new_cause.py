"""Makes the skeleton of a cause and of its test.

Example:
    python scripts/new_cause.py input slow-storage "Reading the data is the limit"
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skeletons import REPOSITORY, fill, name_from, write_new

CAUSE = '''"""<title>.

## What it is
The failing state, in the words of someone whose script is in it.

## Why it is slow
What costs time there, and what it grows with.

## How it is told
What was recorded that gives it away, and what a trial settles.

## Example
```python
model.fit(x, y)
```

## Use instead
```python
model.fit(x, y)
```

## Safety
Exact, numerics or semantics: what the change does to the numbers that come out.

## Further reading
* [Model training APIs](https://keras.io/api/models/model_training_apis/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.places import locations
from fitdoctor.facts.wording import duration

TITLE = "<title>"
REMEDIES: tuple[str, ...] = ()


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        cost_s = 0.0
        cost = Interval(low=cost_s, mid=cost_s, high=cost_s)
        if not facts.worthwhile(cost):
            continue
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(location(fit.record.site)),
            evidence=(Evidence(text=f"It takes {duration(cost_s)} of the whole training.", value=cost_s, unit="s"),),
        )
'''

TEST = '''"""When `<id>` holds, and when it nearly does.

The tests of every cause and of every remedy take `bad` and `good` from here.
"""

from __future__ import annotations

from fitdoctor.causes.<folder>.<module> import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Duration, Fit, ProcessRecord, Run, Site


def training() -> Facts:
    """Ten epochs of 100 steps of 10 ms, of which the scout saw the first 50 steps. Put in what the check looks at."""
    fit = Fit(
        site=Site(file="train.py", line=9, code="model.fit(x, y, epochs=10)"),
        calls=1,
        calls_run=1,
        epochs=10,
        steps_per_epoch=100,
        steps_basis="declared",
        batch_size=32,
        input_kind="arrays",
        epochs_seen=1,
        cut=True,
        first_step=Duration(count=1, total_s=0.5, first_s=0.5),
        step=Duration(count=49, total_s=0.49, first_s=0.01, samples_s=[0.01] * 48),
        function=Duration(count=49, total_s=0.44, first_s=0.009, samples_s=[0.009] * 48),
    )
    return Facts(Run(scout=ProcessRecord(wall_s=4.0, parts={"start": 3.0, "fit": 1.0}, fits=[fit])))


def bad() -> Facts:
    return training()


def good() -> Facts:
    return training()


def test_it_is_found_with_its_line() -> None:
    (finding,) = check(bad())
    assert finding.cost_s.mid > 0
    assert finding.locations[0].line == 9
    assert finding.evidence


def test_it_is_not_found_where_all_is_well() -> None:
    assert list(check(good())) == []
'''


def main(arguments: Sequence[str] | None = None) -> int:
    name = name_from(
        arguments,
        description="Makes the skeleton of a cause and of its test, which fails until both are filled in.",
        package="causes",
        folder="family",
        example="slow-storage",
    )
    return write_new(
        {
            REPOSITORY / "src" / "fitdoctor" / "causes" / name.folder / f"{name.module}.py": fill(CAUSE, name),
            REPOSITORY / "tests" / "causes" / f"test_{name.module}.py": fill(TEST, name),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
