"""Samples are charged to the user's Python, not to that of the frameworks."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from fitdoctor.probe.sampling.thread_sampler import StackSampler, in_loader
from fitdoctor.probe.support.thread_stacks import Call


def stack(*calls: tuple[str, str]) -> list[Call]:
    """A stack, given from the outermost call on: the file of each, and its function."""
    return [Call(file, 1, function) for file, function in reversed(calls)]


FIT = ("/venv/lib/site-packages/keras/src/trainer.py", "fit")


@pytest.mark.parametrize(
    ("inside", "where"),
    [
        ([("/home/ann/train.py", "loss")], "step"),
        ([("/home/ann/train.py", "loss"), ("/venv/lib/site-packages/numpy/linalg/_linalg.py", "svd")], "step"),
        (
            [("/home/ann/train.py", "loss"), ("/venv/lib/site-packages/tensorflow/python/framework/ops.py", "numpy")],
            "step",
        ),
        ([("/home/ann/train.py", "loss"), ("/venv/lib/site-packages/tensorflow/python/ops/math_ops.py", "matmul")], ""),
        ([], ""),
    ],
)
def test_calls_of_the_framework_do_not_count_as_the_users(inside: list[tuple[str, str]], where: str) -> None:
    sampler = StackSampler(SimpleNamespace(hook="", first_step_done=True, in_call=False), steps=True)
    assert sampler._in_step(stack(("/home/ann/train.py", "main"), FIT, *inside)) == where
    assert sampler._step_samples == 1


def test_compiled_steps_are_not_sampled() -> None:
    sampler = StackSampler(SimpleNamespace(hook="", first_step_done=True, in_call=False))
    assert sampler._in_step(stack(("/home/ann/train.py", "loss"))) == ""
    assert sampler._step_samples == 0


def test_a_thread_on_which_a_framework_calls_is_input() -> None:
    sampler = StackSampler(SimpleNamespace(hook="", first_step_done=True, in_call=False), steps=True)
    users = ("/home/ann/train.py", "read")
    enqueuer = ("/venv/lib/site-packages/keras/src/trainers/data_adapters/py_dataset_adapter.py", "_run")
    sampler._take({threading.get_ident(): stack(FIT), 2: stack(enqueuer, users), 3: stack(FIT), 4: stack(users)})
    assert list(sampler._counts.items()) == [(("input", "/home/ann/train.py", 1), 1)]


@pytest.mark.parametrize("in_call", [False, True])
def test_a_call_within_a_hook_is_not_charged_to_the_hook(in_call: bool) -> None:
    sampler = StackSampler(SimpleNamespace(hook="on_epoch_end", first_step_done=True, in_call=in_call))
    sampler._take({threading.get_ident(): stack(FIT, ("/home/ann/train.py", "on_epoch_end"))})
    assert bool(sampler._counts) != in_call


ADAPTER = ("/venv/lib/site-packages/keras/src/trainers/data_adapters/data_adapter_utils.py", "_get_iterator")
LOADER = ("/venv/lib/site-packages/torch/utils/data/dataloader.py", "__next__")


@pytest.mark.parametrize(
    ("inside", "where"),
    [
        ([LOADER, ("/home/ann/train.py", "__getitem__")], "input"),
        ([LOADER, ("/home/ann/train.py", "__getitem__"), ("/venv/lib/site-packages/PIL/Image.py", "open")], "input"),
        ([ADAPTER, ("/home/ann/train.py", "batches")], "input"),
        ([LOADER], ""),
        ([("/home/ann/train.py", "loss")], ""),
    ],
)
def test_calls_of_a_loader_on_the_main_thread_are_input(inside: list[tuple[str, str]], where: str) -> None:
    assert in_loader(stack(("/home/ann/train.py", "main"), FIT, *inside)) == where
