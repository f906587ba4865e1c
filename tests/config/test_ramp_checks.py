"""Laws of a ramp that lead away from where they should, named where they are written."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(
            "ramp: {default: {rate: {start: 0.9, mature: 0.5}}}\n",
            ["f.yaml:3:32: error: ramp.default.rate.start: speed would fall from 0.9 at the start to 0.5 of nominal"],
            id="speed that falls",
        ),
        pytest.param(
            "ramp: {default: {rate: {start: 0.5}}, stations: {wind: {rate: {mature: 0.4}}}}\n",
            ["f.yaml:3:72: error: ramp.stations.wind.rate.mature: speed would fall from 0.5 at the start to 0.4"],
            id="speed of a station that falls from the start of all",
        ),
        pytest.param(
            "conversion: {ramp: {default: {rate: {start: 0.8, mature: 0.7}}}}\n",
            ["f.yaml:3:45: error: conversion.ramp.default.rate.start: speed would fall from 0.8"],
            id="speed of the converted line",
        ),
        pytest.param(
            "ramp: {labour: {first_cells: 100, mature_cells: 99}}\n",
            ["f.yaml:3:49: error: ramp.labour.mature_cells: 99 cells are fewer than first_cells (100)"],
            id="people who are mature before they begin",
        ),
        pytest.param(
            "ramp: {default: {reliability: {growth_exponent: 1.0}}}\n",
            ["f.yaml:3:49: error: ramp.default.reliability.growth_exponent: 1 is not below 1"],
            id="growth exponent",
        ),
        pytest.param(
            "ramp: {default: {learning: {time_constant_months: 0}}}\n",
            ["f.yaml:3:51: error: ramp.default.learning.time_constant_months: 0 months is not above 0"],
            id="time constant",
        ),
        pytest.param(
            "ramp: {default: {learning: {maturity_at_start: 1}}}\n",
            ["f.yaml:3:48: error: ramp.default.learning.maturity_at_start: 1 is not below 1"],
            id="nothing left to learn",
        ),
        pytest.param(
            "conversion: {stations: {wind: {action: modify, carried_share: 1.2}}}\n",
            ["f.yaml:3:63: error: conversion.stations.wind.carried_share: 1.2 is above 1"],
            id="more carried over than there was",
        ),
    ],
)  # fmt: skip
def test_a_parameter_of_learning_outside_its_range(tmp_path, text, found):
    path = tmp_path / "f.yaml"
    path.write_text("name: x\nextends: ess_from_4680\n" + text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    message = str(caught.value).replace(str(path), "f.yaml")
    for part in found:
        assert part in message, message


def test_a_station_that_starts_faster_than_others_end_is_fine(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(
        "name: x\nextends: ess_from_4680\n"
        "ramp: {default: {rate: {start: 0.3, mature: 0.6}}, stations: {wind: {rate: {start: 0.9, mature: 1.0}}}}\n"
    )
    assert load_scenario(path).spec.ramp.of("wind").rate.start == 0.9
