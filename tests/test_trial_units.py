"""The units of trials."""

from __future__ import annotations

import json

import pytest

from fitdoctor.trial_units import Unit, label_of, rule_of, shares_error, words_of


@pytest.mark.parametrize("unit", Unit)
def test_a_unit_is_its_text(unit: Unit) -> None:
    assert json.loads(json.dumps({"unit": unit})) == {"unit": unit.value}
    assert f"{unit}/baseline" == f"{unit.value}/baseline"
    assert unit in {unit.value}
    assert (label_of(unit.value), words_of(unit.value)) == (unit.label, unit.words)


def test_an_unknown_unit_keeps_its_text_and_is_judged_by_windows() -> None:
    assert (label_of("layer"), words_of("layer"), rule_of("layer"), shares_error("layer")) == (
        "layer", "layer", "windows", True,
    )  # fmt: skip
