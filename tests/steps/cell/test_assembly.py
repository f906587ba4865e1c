"""Fold, disc weld, can and fill: the serial chain between winding and the trays."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from cellfab.core.causes import describe
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError


def causes(lot: Lot) -> set[str]:
    return {describe(int(code)).name for code in np.unique(lot.exit_code) if code}


def test_a_deep_fold_is_flat_close_to_the_separator_and_torn(cells: SimpleNamespace) -> None:
    lot = cells.chain({"fold": {"depth_sd_mm": 0.2}}, until="fold", positions=400)
    for face in ("cathode", "anode"):
        gap = lot.columns[f"{face}_gap_factor"]
        distance = lot.columns[f"{face}_separator_distance_mm"]
        torn = lot.columns[f"{face}_torn_fraction"]
        order = np.argsort(distance)
        assert (np.diff(gap[order]) >= -1e-6).all()
        np.testing.assert_allclose(torn, np.clip(2.0 - distance - 0.12, 0.0, 0.99), atol=1e-5)
        # 1 568 cells: z = 4.5 on the spread of ln(gap).
        sd = np.log(gap).std()
        assert abs(sd - math.log(1.25)) < 4.5 * math.log(1.25) / math.sqrt(2.0 * lot.n)
    assert "torn_flags" in causes(lot)


def test_disc_metal_follows_the_foil(cells: SimpleNamespace) -> None:
    sodium = cells.design(anode={**cells.raw_design["anode"], "foil": "al"})
    steps = cells.steps(design=sodium)
    assert steps["weld_anode"].foil == "al"
    assert steps["weld_anode"].disc_um == 300.0
    assert cells.steps()["weld_anode"].foil == "cu"


def test_a_design_without_the_disc_is_refused(cells: SimpleNamespace) -> None:
    with pytest.raises(ConfigError, match="the design has no cu disc to weld"):
        cells.steps(design=cells.design(package={**cells.raw_design["package"], "collector_disc_cu_mm": 0.0}))


def test_head_ages_over_glass_and_lens_and_starts_anew(cells: SimpleNamespace) -> None:
    steady = {
        "heads": 2, "glass_interval_cells": 1000.0, "glass_loss_fraction": 0.1, "glass_focus_shift_um": 100.0,
        "lens_interval_cells": 2000.0, "lens_loss_fraction": 0.02, "lot_power_cv": 0.0, "lot_focus_um": 0.0,
    }  # fmt: skip
    step = cells.steps({"weld_anode": steady})["weld_anode"]
    for ordinal in (0, 1, 2, 7):
        head = step.head(Lot(5, ordinal=ordinal, n=600), Draws(1, 0, "weld"), 1.0)
        before = ordinal // 2 * 600
        assert head.glass == pytest.approx(before % 1000 / 1000)
        assert head.glass_step == pytest.approx(1e-3)
        assert head.power == pytest.approx(1.0 - 0.02 * (before % 2000) / 2000)
        assert (head.focus_um, head.glass_loss, head.glass_shift_um) == (0.0, 0.1, 100.0)


def test_offsets_of_the_head_are_the_lots_own(cells: SimpleNamespace) -> None:
    # 400 lots: z = 4.5 on the spread of the power offset.
    params = {"lot_power_cv": 0.02, "lens_loss_fraction": 0.0, "glass_loss_fraction": 0.0}
    step = cells.steps({"weld_anode": params})["weld_anode"]
    draws = Draws(1, 0, "weld")
    powers = np.array([step.head(Lot(identity, n=1), draws, 1.0).power for identity in range(400)])
    assert abs(powers.std() - 0.02) < 4.5 * 0.02 / math.sqrt(800)


def test_soiled_glass_makes_shallower_welds(cells: SimpleNamespace) -> None:
    soiled = {"glass_loss_fraction": 0.3, "glass_interval_cells": 1000.0, "lot_power_cv": 0.0, "power_cv": 0.0}
    lot = cells.chain({"weld_anode": soiled}, until="weld_anode", ordinal=0)
    depth = lot.columns["anode_weld_depth_um"]
    assert depth[: lot.n // 4].mean() > 1.02 * depth[-lot.n // 4 :].mean()


def test_a_weld_plane_too_close_scorches_the_separator(cells: SimpleNamespace) -> None:
    far = cells.chain({"wind": {"separator_fault_probability": 0.0}}, until="weld_anode")
    assert not far.columns["separator_fault"].any()
    near = cells.chain({"fold": {"separator_distance_mm": 1.5}}, until="weld_anode")
    distance = near.columns["anode_separator_distance_mm"]
    scorched = near.columns["separator_fault"] > 0
    assert 0.1 < scorched.mean() < 0.9
    assert distance[scorched].min() < distance[~scorched].min()


def test_one_weld_per_side_with_its_own_numbers(cells: SimpleNamespace) -> None:
    lot = cells.chain(until="weld_anode")
    assert (lot.columns["cathode_weld_depth_um"] > lot.columns["anode_weld_depth_um"]).mean() > 0.99
    correlation = np.corrcoef(lot.columns["cathode_weld_mohm"], lot.columns["anode_weld_mohm"])[0, 1]
    assert abs(correlation) < 4.5 / math.sqrt(lot.n)


@pytest.mark.parametrize("defect", ["burr_um", "separator_fault", "particle"])
def test_high_voltage_finds_gross_defects_at_its_ceiling(cells: SimpleNamespace, defect: str) -> None:
    # 466 cells, all with a gross defect: detection 0.8, z = 4.5.
    lot = cells.chain(until="weld_anode")
    if defect == "burr_um":
        lot.columns["anode_burr_um"][:] = 60.0
    elif defect == "separator_fault":
        lot.columns["separator_fault"][:] = 1
    else:
        lot.columns["particles_in_roll"][:] = 255
    quiet = {"canning_fault_probability": 0.0, "false_alarm_probability": 0.0, "smallest_particle_um": 60.0}
    step = cells.steps({"can": quiet})["can"]
    before = lot.n_alive
    step.apply(lot, Draws(1, 0, "can"), 0.0)
    found = 1.0 - lot.n_alive / before
    assert abs(found - 0.8) < 4.5 * math.sqrt(0.16 / before)


def test_low_burrs_do_not_alarm(cells: SimpleNamespace) -> None:
    lot = cells.chain(until="weld_anode")
    for name in ("cathode_burr_um", "anode_burr_um"):
        lot.columns[name][:] = 9.0  # of 14
    lot.columns["separator_fault"][:] = 0
    lot.columns["particles_in_roll"][:] = 0
    quiet = {"canning_fault_probability": 0.0, "false_alarm_probability": 0.0, "face_to_roll_probability": 0.0}
    step = cells.steps({"can": quiet})["can"]
    before = lot.n_alive
    step.apply(lot, Draws(1, 0, "can"), 0.0)
    assert lot.n_alive == before
    assert not lot.columns["particle_um"].any()


def test_filled_cells_stand_in_trays_without_gaps(cells: SimpleNamespace) -> None:
    lot = cells.chain({"fill": {"cells_per_tray": 20}}, until="fill")
    position = lot.columns["tray_position"]
    np.testing.assert_array_equal(position[lot.alive()], np.arange(lot.n_alive))
    assert (position[~lot.alive()] == -1).all()
    assert lot.unit == "trays"
    assert lot.amount == math.ceil(lot.n_alive / 20)


def test_doses_and_their_limits(cells: SimpleNamespace) -> None:
    # 1 587 cells: z = 4.5 on spread and on the share of blocked nozzles.
    lot = cells.chain({"fill": {"blocked_nozzle_probability": 0.1, "dosing_cv": 0.004}}, until="fill", positions=400)
    dose = lot.columns["electrolyte_g"] / (1e3 * cells.design().electrolyte_kg)
    blocked = dose < 0.965
    assert abs(blocked.mean() - 0.1) < 4.5 * math.sqrt(0.09 / lot.n)
    assert dose[blocked].min() > 0.59
    assert abs(dose[~blocked].std() - 0.004) < 4.5 * 0.004 / math.sqrt(2.0 * lot.n)
    assert not lot.alive()[blocked].any()
    assert "electrolyte_mass" in causes(lot)


def test_leaks_are_exponential_in_decades_and_mostly_found(cells: SimpleNamespace) -> None:
    # About 470 leaks: z = 4.5 on their mean.
    lot = cells.chain({"fill": {"leak_probability": 0.3}}, until="fill", positions=400)
    leak = lot.columns["leak"]
    leaking = leak > 0.0
    assert abs(leaking.mean() - 0.3) < 4.5 * math.sqrt(0.21 / lot.n)
    assert abs(leak[leaking].mean() - 1.5) < 4.5 * 1.5 / math.sqrt(leaking.sum())
    assert 0.0 < (lot.alive() & leaking).sum() < 0.12 * leaking.sum()
