"""A fit is described when it is called."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.observe import describe


def test_a_callback_without_a_file_is_the_users() -> None:
    """Code of `python -c` or of a prompt has no file."""

    class Stops:
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = True  # type: ignore[attr-defined]

    Stops.__module__ = "__main__"
    (record,) = describe.callbacks([Stops()])
    assert (record.own, record.may_stop) == (True, True)


class Written:
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """As its own class has it."""


class Derived(Written):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Another."""


def test_each_hook_has_its_own_site() -> None:
    (record,) = describe.callbacks([Derived()])
    assert {name: site.function for name, site in record.hook_sources.items()} == {
        "on_train_batch_end": "on_train_batch_end",
        "on_epoch_end": "on_epoch_end",
    }
    assert record.hook_sources["on_train_batch_end"].line < record.hook_sources["on_epoch_end"].line
