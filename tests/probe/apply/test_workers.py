from __future__ import annotations

from types import SimpleNamespace

from fitdoctor.changes.model import Place, SetArgument
from fitdoctor.probe.apply.workers import arranged, held, held_by, settings

HERE = Place(file="train.py", line=1)


def dataset(workers: int = 1, *, processes: bool = False) -> SimpleNamespace:
    return SimpleNamespace(workers=workers, use_multiprocessing=processes, max_queue_size=10, rows=[1, 2, 3])


def workers(count: int) -> SetArgument:
    return SetArgument(place=HERE, call="PyDataset", argument="workers", value=count)


def test_the_users_own_dataset_stays_unchanged() -> None:
    own = dataset()
    made = arranged(own, [workers(4)], steady=False)
    assert (made.workers, own.workers) == (4, 1)
    assert made.rows is own.rows
    assert arranged(own, [], steady=True) is own


def test_an_idle_arm_keeps_few_batches() -> None:
    made = arranged(dataset(), [workers(4)], steady=True)
    assert (made.max_queue_size, held(made)) == (5, 6)
    assert arranged(dataset(4), [], steady=False).max_queue_size == 10


def test_without_workers_there_is_no_queue() -> None:
    assert held(dataset()) == 0
    assert held(dataset(processes=True)) == 11


def test_on_tf_keras_workers_are_arguments_of_fit() -> None:
    bound = {"x": None, "workers": 1, "use_multiprocessing": False, "max_queue_size": 10}
    more = SetArgument(place=HERE, call="Model.fit", argument="workers", value=4)
    other = SetArgument(place=HERE, call="Model.fit", argument="batch_size", value=4)
    assert settings(bound, [more, other], steady=False) == {
        "workers": 4,
        "use_multiprocessing": False,
        "max_queue_size": 10,
    }
    steady = settings(bound, [more], steady=True)
    assert (steady["max_queue_size"], held_by(**steady)) == (5, 6)
    assert settings(bound, [], steady=True)["max_queue_size"] == 10
    assert settings({"x": None}, [], steady=True) == {}
