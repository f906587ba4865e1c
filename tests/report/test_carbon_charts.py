"""Carbon dioxide by source: sums, words and bars."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from cellfab.report import carbon_charts
from cellfab.result import RunResult

MATERIALS = pd.DataFrame(
    [
        (0, "lfp", "in_good_cells", "kg", 800.0),
        (0, "lfp", "scrapped_electrode", "kg", 100.0),
        (0, "lfp", "returned", "kg", 50.0),
        (0, "foil", "in_good_cells", "m2", 0.0),
    ],
    columns=["replicate", "material", "fate", "unit", "co2_kg"],
)


@pytest.fixture
def with_materials(plant: RunResult) -> RunResult:
    return dataclasses.replace(plant, materials=MATERIALS)


def test_what_was_given_back_is_not_counted_and_what_has_no_factor_is_not_shown(with_materials: RunResult) -> None:
    frame = carbon_charts.carbon_by_source(with_materials)
    assert with_materials.energy is not None
    kwh = 1e3 * with_materials.weekly["good_energy_mwh"].sum()
    assert "foil" not in set(frame["source"])
    made = frame[frame["kind"] == "materials"].iloc[0]
    assert made["kg_per_kwh"] == pytest.approx(900.0 / kwh)
    assert made["scrap_kg_per_kwh"] == pytest.approx(100.0 / kwh)
    energy = frame[frame["kind"] == "energy"]
    assert energy["kg_per_kwh"].sum() == pytest.approx(with_materials.energy["co2_kg"].sum() / kwh)
    assert frame["kg_per_kwh"].is_monotonic_decreasing


def test_both_sums_are_told_and_drawn(with_materials: RunResult) -> None:
    frame = carbon_charts.carbon_by_source(with_materials)
    assert "from making the materials" in carbon_charts.carbon_text(frame)
    figure = carbon_charts.carbon_bars(frame)
    assert [trace.name for trace in figure.data] == ["energy", "materials"]
    drawn = sum(sum(trace.x) for trace in figure.data)
    assert drawn == pytest.approx(frame["kg_per_kwh"].sum(), rel=0.01)


def test_without_a_factor_there_is_no_chart(plant: RunResult) -> None:
    none = dataclasses.replace(plant, materials=MATERIALS.assign(co2_kg=0.0))
    assert carbon_charts.carbon_by_source(none).empty
