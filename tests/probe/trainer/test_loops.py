"""Steps run for a given time, and the end of the input becomes an error."""

from __future__ import annotations

import pytest

from fitdoctor.probe.trainer.loops import go_for, to_the_end


class Steps:
    """Steps of a known length on a clock of its own."""

    def __init__(self, step_s: float) -> None:
        self.step_s, self.now_s = step_s, 0.0
        self.chunks: list[int] = []

    def go(self, steps: int) -> int:
        self.chunks.append(steps)
        self.now_s += steps * self.step_s
        return steps

    def clock(self) -> float:
        return self.now_s


def test_long_steps_run_one_by_one() -> None:
    steps = Steps(0.5)
    assert go_for(1.2, 1, steps.go, steps.clock) == 3
    assert steps.chunks == [1, 1, 1]


def test_short_steps_run_in_short_chunks() -> None:
    steps = Steps(0.001)
    assert go_for(0.1, 1, steps.go, steps.clock) == sum(steps.chunks) >= 100
    assert steps.chunks[:5] == [1, 2, 4, 8, 16]
    assert max(steps.chunks) == 16


def test_an_execution_is_never_divided() -> None:
    steps = Steps(0.001)
    go_for(0.05, 3, steps.go, steps.clock)
    assert all(chunk % 3 == 0 for chunk in steps.chunks)


def test_at_least_one_call_is_made() -> None:
    steps = Steps(9.0)
    assert go_for(0.0, 4, steps.go, steps.clock) == 4


class Loop:
    ENDS = (StopIteration, OverflowError)

    def __init__(self) -> None:
        self.waited = 0

    def wait(self) -> None:
        self.waited += 1


def test_the_last_step_is_waited_for() -> None:
    loop = Loop()
    with to_the_end(loop):  # type: ignore[arg-type]
        assert loop.waited == 0
    assert loop.waited == 1


@pytest.mark.parametrize("error", [StopIteration, OverflowError])
def test_the_end_of_the_input_is_a_value_error(error: type[Exception]) -> None:
    with pytest.raises(ValueError, match="its input came to its end"), to_the_end(Loop()):  # type: ignore[arg-type]
        raise error


def test_other_errors_are_not_changed() -> None:
    with pytest.raises(KeyError), to_the_end(Loop()):  # type: ignore[arg-type]
        raise KeyError
