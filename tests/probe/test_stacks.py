"""What counts as Python of the user's own within a step."""

from __future__ import annotations

import sys
import threading
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe.stacks import StackSampler, in_loader


def stack(*files: tuple[str, str]) -> FrameType:
    """A stack of calls, from the outermost on, each in a file of its own with a function of the given name."""
    inner: Any = sys._getframe
    for file, name in reversed(files):
        names: dict[str, Any] = {"inner": inner}
        exec(compile(f"def {name}():\n    return inner()\n", file, "exec"), names)
        inner = names[name]
    frame: FrameType = inner()
    return frame


FIT = ("/venv/lib/site-packages/keras/src/trainer.py", "fit")


@pytest.mark.parametrize(
    ("inside", "where"),
    [
        ([("/home/ann/train.py", "loss")], "step"),
        ([("/home/ann/train.py", "loss"), ("/venv/lib/site-packages/numpy/linalg/_linalg.py", "svd")], "step"),
        ([("/home/ann/train.py", "loss"), ("/venv/lib/site-packages/tensorflow/python/framework/ops.py", "numpy")], "step"),
        ([("/home/ann/train.py", "loss"), ("/venv/lib/site-packages/tensorflow/python/ops/math_ops.py", "matmul")], ""),
        ([], ""),
    ],
)
def test_only_what_is_not_the_frameworks_is_the_users(inside: list[tuple[str, str]], where: str) -> None:
    sampler = StackSampler(SimpleNamespace(hook="", first_step_done=True), steps=True)
    assert sampler._in_step(stack(("/home/ann/train.py", "main"), FIT, *inside)) == where
    assert sampler._step_samples == 1


def test_compiled_steps_are_not_looked_into() -> None:
    sampler = StackSampler(SimpleNamespace(hook="", first_step_done=True))
    assert sampler._in_step(stack(("/home/ann/train.py", "loss"))) == ""
    assert sampler._step_samples == 0


def test_a_frame_that_ends_while_it_is_looked_at_is_passed_over() -> None:
    sampler = StackSampler(SimpleNamespace(hook="", first_step_done=True), steps=True)
    ended: Any = SimpleNamespace(f_code=tuple, f_back=None)
    users = stack(("/home/ann/train.py", "read"))
    sampler._take({1: ended, threading.get_ident(): ended, 2: users})
    assert {where for where, *_ in sampler._seen} == {"input"}
    assert sum(sampler._seen.values()) == 1


LOADER = ("/venv/lib/site-packages/torch/utils/data/dataloader.py", "__next__")


@pytest.mark.parametrize(
    ("inside", "where"),
    [
        ([LOADER, ("/home/ann/train.py", "__getitem__")], "input"),
        ([LOADER, ("/home/ann/train.py", "__getitem__"), ("/venv/lib/site-packages/PIL/Image.py", "open")], "input"),
        ([LOADER], ""),
        ([("/home/ann/train.py", "loss")], ""),
    ],
)
def test_what_a_loader_calls_on_the_main_thread_is_input(inside: list[tuple[str, str]], where: str) -> None:
    assert in_loader(stack(("/home/ann/train.py", "main"), FIT, *inside)) == where
