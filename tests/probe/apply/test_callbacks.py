"""Arguments of live callbacks are set and restored. The callbacks are test doubles, without a framework."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.probe.apply.callbacks import period, set_argument, silence


class ModelCheckpoint:
    def __init__(self) -> None:
        self.filepath, self.save_weights_only, self.save_freq = "kept/model.keras", False, 7


class ProgbarLogger:
    verbose = 1


class TensorBoard:
    """What matters of Keras' own:

    a writer is open between batches unless it writes by epoch, and a profiler may run.
    """

    def __init__(self) -> None:
        self.update_freq: Any = 1
        self._prev_summary_state: list[str] = ["open"]
        self._train_writer, self._global_train_batch, self._train_dir = "writer", 3, "logs"
        self._should_trace = self._profiler_started = True
        self.profiler: list[str] = []

    def _push_writer(self, writer: str, step: int) -> None:
        if self.update_freq != "epoch":
            self._prev_summary_state.append("open")

    def _pop_writer(self) -> None:
        if self.update_freq != "epoch":
            self._prev_summary_state.pop()

    def _start_profiler(self, logdir: str) -> None:
        self.profiler.append("start")

    def _stop_profiler(self, save: bool) -> None:
        self.profiler.append("stop")


def test_weights_go_to_a_file_of_their_own_kind() -> None:
    callback = ModelCheckpoint()
    undo = set_argument(callback, "save_weights_only", True)
    assert (callback.save_weights_only, callback.filepath) == (True, "kept/model.weights.h5")
    undo()
    assert (callback.save_weights_only, callback.filepath) == (False, "kept/model.keras")


def test_an_open_writer_is_closed_and_opened_again() -> None:
    callback = TensorBoard()
    undo = set_argument(callback, "update_freq", "epoch")
    assert (callback.update_freq, callback._prev_summary_state) == ("epoch", [])
    undo()
    assert (callback.update_freq, callback._prev_summary_state) == (1, ["open"])


def test_a_running_profiler_is_stopped_and_restarted() -> None:
    callback = TensorBoard()
    undo = set_argument(callback, "profile_batch", 0)
    assert (callback._should_trace, callback.profiler) == (False, ["stop"])
    undo()
    assert (callback._should_trace, callback.profiler) == (True, ["stop", "start"])


def test_a_profiler_can_only_be_turned_off() -> None:
    with pytest.raises(ValueError, match="can only be set to 0"):
        set_argument(TensorBoard(), "profile_batch", 5)


def test_any_other_argument_is_an_attribute() -> None:
    callback = ModelCheckpoint()
    undo = set_argument(callback, "save_freq", 70)
    assert callback.save_freq == 70
    undo()
    assert callback.save_freq == 7


def test_the_progress_bar_is_found_among_the_others() -> None:
    bar = ProgbarLogger()
    undo = silence([ModelCheckpoint(), bar], 2)
    assert bar.verbose == 2
    undo()
    assert bar.verbose == 1
    with pytest.raises(ValueError, match="progress bar"):
        silence([ModelCheckpoint()], 2)


def test_the_longest_period_counts() -> None:
    assert period([ModelCheckpoint(), TensorBoard()]) == 7
    assert period([ProgbarLogger()]) == 1
