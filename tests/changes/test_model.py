from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.changes.model import (
    KINDS,
    Change,
    ConvertArgument,
    InsertCall,
    MoveCall,
    Place,
    Precompute,
    RemoveCall,
    ReplaceCall,
    SetArgument,
    SwapCalls,
    ThrottleHook,
    edits_input,
    from_data,
)

NAMES = st.sampled_from(["Model.fit", "Model.compile", "prefetch", "steps_per_execution", "place", "kind", "batch", ""])
PLACES = st.builds(Place, file=st.text(max_size=8), line=st.integers(0), position=st.integers(-1, 9))
STAGES = st.sampled_from(["prefetch", "cache", "repeat"])
ARGUMENTS = st.sampled_from(["steps_per_execution", "place", "kind", "batch"])
SETTINGS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["epoch", "batch"])
HOOKS = st.sampled_from(["on_epoch_end", "on_train_batch_end", "on_test_begin"])
CHANGES = st.one_of(
    st.builds(
        SetArgument,
        place=PLACES,
        call=NAMES,
        argument=ARGUMENTS,
        value=SETTINGS | st.lists(NAMES.filter(bool), max_size=2),
        index=st.integers(-1, 5),
    ),
    st.builds(InsertCall, place=PLACES, call=STAGES, arguments=st.dictionaries(NAMES, st.integers(), max_size=3)),
    st.builds(SwapCalls, place=PLACES, batch=PLACES, vectorized=st.booleans()),
    st.builds(MoveCall, place=PLACES, behind=PLACES),
    st.builds(
        ConvertArgument, place=PLACES, call=NAMES, argument=NAMES, dtypes=st.dictionaries(NAMES, NAMES, max_size=2)
    ),
    st.builds(ReplaceCall, place=PLACES, call=NAMES, replacement=NAMES),
    st.builds(Precompute, place=PLACES, call=NAMES, argument=NAMES),
    st.builds(ThrottleHook, place=PLACES, call=NAMES, hook=HOOKS, every=st.integers(1), index=st.integers(-1, 5)),
)


@given(CHANGES)
def test_a_change_is_equal_after_a_round_trip(change: Change) -> None:
    data = json.loads(json.dumps(change.to_data()))
    assert from_data(data) == change
    assert data["kind"] == change.kind


@given(CHANGES)
def test_reading_a_change_does_not_modify_its_data(change: Change) -> None:
    data = change.to_data()
    from_data(data)
    assert data == change.to_data()


HERE = Place(file="train.py", line=1)


@pytest.mark.parametrize(
    ("change", "of_input"),
    [
        (InsertCall(place=HERE, call="prefetch"), True),
        (
            SetArgument(
                place=Place(file="train.py", line=1, position=2), call="map", argument="num_parallel_calls", value=2
            ),
            True,
        ),
        (SetArgument(place=HERE, call="PyDataset", argument="workers", value=2), True),
        (SetArgument(place=HERE, call="Model.fit", argument="workers", value=2), True),
        (SetArgument(place=HERE, call="Model.fit", argument="batch_size", value=2), False),
        (RemoveCall(place=HERE, call="tf.data.experimental.enable_debug_mode"), True),
        (RemoveCall(place=HERE, call="tf.debugging.enable_check_numerics"), False),
        (SetArgument(place=HERE, call="Model.compile", argument="jit_compile", value=True), False),
    ],
    ids=lambda value: getattr(value, "call", None),
)
def test_which_changes_are_of_the_input(change: Change, of_input: bool) -> None:
    assert edits_input(change.to_data()) == of_input


def test_every_kind_is_known_by_its_name() -> None:
    assert {cls.__name__ for cls in KINDS.values()} == {cls.__name__ for cls in Change.__subclasses__()}
    assert all(cls.kind == name for name, cls in KINDS.items())


@pytest.mark.parametrize("kind", ["rename-call", None, ""])
def test_an_unknown_kind_raises(kind: str | None) -> None:
    with pytest.raises(ValueError, match=r"received .*, expected one of \['convert-argument'"):
        from_data({"kind": kind, "place": {"file": "train.py", "line": 1}})
