"""What is known of a fit when it is called."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import describe


def test_a_callback_that_was_typed_in_is_the_users() -> None:
    """As in `python -c` or at a prompt: there is no file to look at."""

    class Stops:
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = True  # type: ignore[attr-defined]

    Stops.__module__ = "__main__"
    (record,) = describe.callbacks([Stops()])
    assert (record.own, record.may_stop) == (True, True)
