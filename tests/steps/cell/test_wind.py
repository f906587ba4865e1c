from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError


def wind(cells: SimpleNamespace, params: dict | None = None, maturity: float = 0.0, **roll: object) -> Lot:
    return cells.chain({"wind": params or {}}, until="wind", maturity=maturity, **roll)


def test_cells_carry_the_columns_of_the_segments_they_were_wound_from(cells: SimpleNamespace) -> None:
    lot = wind(cells)
    for name in ("cathode", "anode"):
        roll = cells.electrode(name)
        row = lot.columns[f"{name}_row"]
        assert roll.alive()[row].all()
        assert np.unique(row).size == lot.n
        np.testing.assert_array_equal(lot.columns[f"{name}_porosity"], roll.columns["porosity"][row])
        areal = roll.columns["loading_mg_per_cm2"] * roll.columns["active_fraction"]
        areal = 1e-3 * areal * roll.columns["specific_capacity_mah_per_g"]
        np.testing.assert_allclose(lot.columns[f"{name}_areal_mah_per_cm2"], areal[row], rtol=1e-6)
    assert lot.material == "cell"
    assert lot.unit == "cells"
    assert lot.amount == lot.n_alive


def test_both_partners_come_from_the_same_lane(cells: SimpleNamespace) -> None:
    lot = wind(cells, lanes=5, positions=40)
    np.testing.assert_array_equal(lot.columns["cathode_row"] // 40, lot.columns["anode_row"] // 40)


def test_coating_of_the_good_segments_is_wound_or_remnant(cells: SimpleNamespace) -> None:
    lot = wind(cells)
    for name in ("cathode", "anode"):
        roll = cells.electrode(name)
        good = roll.columns["loading_mg_per_cm2"][roll.alive()].sum(dtype=np.float64)
        kg = 0.01 * getattr(cells.design(), name).area_m2 * good
        facts = lot.attributes
        assert facts[f"{name}_used_kg"] + facts[f"{name}_remnant_kg"] == pytest.approx(kg, rel=1e-6)
        assert facts[f"{name}_remnant_cells"] + lot.n == roll.n_alive


def test_webs_of_different_lanes_are_refused(cells: SimpleNamespace) -> None:
    lots = {"cathode": cells.electrode("cathode", lanes=4), "anode": cells.electrode("anode", lanes=3)}
    with pytest.raises(ConfigError, match="4 lanes and anode rolls 3"):
        cells.steps()["wind"].merge({**lots, "separator": cells.separator()}, Draws(1, 0, "wind"), 0.0)


def test_overhang_is_the_least_of_many_layers(cells: SimpleNamespace) -> None:
    # 10 000 cells: the mean of |drift| and of the lowest of 2 x turns normals, each to z = 4.5 of its spread.
    exact = {"drift_sd_mm": 0.0, "alignment_sd_mm": 0.1, "winding_fault_probability": 0.0}
    lot = wind(cells, exact, flawless=True, dead=0.0, lanes=10, positions=1000)
    design = cells.design()
    roll_mm = np.sqrt(5.0**2 + 4.0 / np.pi * design.roll_section_mm2)
    layers = 2.0 * design.anode.length_m / (np.pi * 1e-3 * 0.5 * (5.0 + roll_mm))
    lowest = np.random.default_rng(1).standard_normal((20_000, round(layers))).min(axis=1)
    found = (lot.columns["overhang_mm"] - 1.0) / 0.1
    assert abs(found.mean() - lowest.mean()) < 4.5 * lowest.std() * np.sqrt(1.0 / lot.n + 1.0 / 20_000)
    drifting = wind(
        cells, exact | {"alignment_sd_mm": 0.0, "drift_sd_mm": 0.2}, flawless=True, dead=0.0, lanes=10, positions=1000
    )
    drift = 1.0 - drifting.columns["overhang_mm"]
    expected = 0.2 * np.sqrt(2.0 / np.pi)
    assert abs(drift.mean() - expected) < 4.5 * 0.2 * np.sqrt(1.0 - 2.0 / np.pi) / np.sqrt(lot.n)


def test_the_gauge_lets_some_narrow_overhangs_pass_and_rejects_some_wide_ones(cells: SimpleNamespace) -> None:
    lot = wind(cells, {"drift_sd_mm": 0.4, "overhang_gauge_mm": 0.1, "winding_fault_probability": 0.0}, positions=800)
    narrow = lot.columns["overhang_mm"] < 0.2
    assert (narrow & lot.alive()).any()
    assert (~narrow & ~lot.alive()).any()
    assert lot.alive()[~narrow].mean() > lot.alive()[narrow].mean()


def test_notch_flaws_add_particles(cells: SimpleNamespace) -> None:
    lot = wind(cells, {"particles_per_m2": 0.0}, positions=400)
    flaws = sum(
        cells.electrode(name, positions=400).columns["notch_flaw"][lot.columns[f"{name}_row"]]
        for name in ("cathode", "anode")
    )
    assert flaws.sum() > 0
    np.testing.assert_array_equal(lot.columns["particles_in_roll"], flaws)
