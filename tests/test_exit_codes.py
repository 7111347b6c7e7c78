"""The recorded exit code is that of the process."""

from __future__ import annotations

import pytest

from tests.support.projects import Project

GIVEN = [
    "True",
    "False",
    "2**70",
    "-(2**70)",
    "2**33 + 5",
    "-1",
    "300",
    "None",
    "'words'",
    "1.5",
    "__import__('signal').SIGINT",
]


@pytest.mark.parametrize("given", GIVEN)
def test_the_recorded_exit_code_is_that_of_the_process(user: Project, given: str) -> None:
    user.write(train=f"import sys\nsys.exit({given})\n")
    done = user.launch("train.py", role="watch")
    ending = user.record().ending
    assert (ending.how, ending.code) == ("exit", done.returncode)
