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
from cellfab.steps.base import Step


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


def messages(step: Step) -> dict[str, tuple[bool, str]]:
    """Of the first remark about each parameter."""
    return {remark.about: (remark.impossible, remark.message) for remark in reversed(list(step.review()))}


def test_shipped_defaults_of_the_assembly_pass_their_reviews(cells: SimpleNamespace) -> None:
    steps = cells.steps()
    for name in ("fold", "weld_cathode", "weld_anode", "fill", "wet"):
        assert messages(steps[name]) == {}, name


@pytest.mark.parametrize(
    ("params", "about", "impossible", "says"),
    [
        ({"power_w": 300.0}, "power_w", True, "normalised enthalpy of 3.5, below the 6.6 that opens a keyhole in cu"),
        (
            {"power_w": 700.0},
            "power_w",
            True,
            "melt 180 um deep, but the disc of 200 um and the least penetration need",
        ),
        ({"power_w": 2000.0}, "power_w", True, "313 um below the disc, but seams burn through beyond 250 um"),
        ({"gap_median_um": 25.0}, "gap_median_um", False, "more than a tenth of the disc's 200 um"),
        ({"spot_diameter_um": 70.0}, "speed_mm_per_s", False, "Peclet number 0.055"),
        ({"separator_limit_c": 80.0}, "separator_limit_c", False, "passes 80 degC up to 2.06 mm"),
        ({"speed_mm_per_s": 850.0, "power_w": 1900.0}, "speed_mm_per_s", False, "850 is outside the 100 to 800"),
    ],
)
def test_review_of_a_weld(
    cells: SimpleNamespace, params: dict[str, float], about: str, impossible: bool, says: str
) -> None:
    found = messages(cells.steps({"weld_anode": params})["weld_anode"])
    assert found[about][0] is impossible
    assert says in found[about][1]


def test_an_impossible_weld_holds_nowhere_and_a_possible_one_mostly_does(cells: SimpleNamespace) -> None:
    for power, holds in ((700.0, 0.0), (1250.0, 1.0)):
        lot = cells.chain({"weld_anode": {"power_w": power, "rework_rounds": 0}}, until="weld_anode", maturity=1.0)
        share = 1.0 - lot.columns["anode_weld_unfused"].mean() / 8.0
        assert share == pytest.approx(holds, abs=0.01)


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_discs_are_welded_again_so_often_and_then_scrapped(cells: SimpleNamespace, rounds: int) -> None:
    # Open seams always alarm and are never mended, so each disc with one is welded again in every round.
    params = {
        "rework_rounds": rounds, "rework_success_probability": 0.0, "fusion_detection_probability": 1.0,
        "fusion_midpoint_fraction": -5.0, "fusion_width_fraction": 0.05, "false_alarm_probability": 0.0,
        "gap_median_um": 40.0, "spatter_per_mm": 0.0,
    }  # fmt: skip
    lot = cells.chain({"weld_anode": params}, until="weld_anode", dead=0.0)
    came = cells.chain(until="weld_cathode", dead=0.0).alive()
    unfused = lot.columns["anode_weld_unfused"] > 0
    assert 10 < unfused.sum() < lot.n - 10
    np.testing.assert_array_equal(lot.columns["anode_weld_rewelded"], unfused if rounds else 0 * unfused)
    np.testing.assert_array_equal(lot.alive()[came], ~unfused[came])
    assert lot.attributes["reworked"] == 0.0
    assert "anode_no_fusion" in causes(lot)


def test_margins_must_reach_the_weld_plane(cells: SimpleNamespace) -> None:
    short = cells.design(cathode={**cells.raw_design["cathode"], "margin_mm": 4.0})
    found = messages(cells.steps(design=short)["fold"])
    assert set(found) == {"design.cathode.margin_mm"}
    assert found["design.cathode.margin_mm"][0]
    assert "overhangs the coating by 2.5 mm, and the plane lies 2 mm beyond it" in found["design.cathode.margin_mm"][1]
    torn = messages(cells.steps({"fold": {"tear_onset_mm": 0.05}})["fold"])
    assert not torn["tear_onset_mm"][0]


def test_electrolyte_must_fill_the_pores(cells: SimpleNamespace) -> None:
    found = messages(cells.steps(design=cells.design(electrolyte_g_per_ah=1.2))["fill"])
    impossible, message = found["design.electrolyte_g_per_ah"]
    assert impossible
    assert "cm3 of electrolyte cannot fill pores of" in message


def test_a_soak_shorter_than_the_median_wetting_time_is_remarked(cells: SimpleNamespace) -> None:
    # 34 mm behind kneaded faces at twice the speed of room temperature: 34e-3^2 / (2 x 2.5e-8 x 0.5 x 2) = 6.4 h.
    impossible, message = messages(cells.steps({"wet": {"soak_h": 6.0}})["wet"])["soak_h"]
    assert not impossible
    assert "6 h of soaking is less than the 6.4 h" in message
    assert messages(cells.steps({"wet": {"soak_h": 6.5}})["wet"]) == {}


def test_too_little_electrolyte_leaves_a_dry_share_that_no_soaking_wets(cells: SimpleNamespace) -> None:
    starved = {"fill": {"blocked_nozzle_probability": 1.0}, "wet": {"soak_h": 500.0}}
    lot = cells.chain(starved, until="wet")
    design = cells.design()
    dose = lot.columns["electrolyte_g"] / (1e3 * design.electrolyte_kg)
    dry = lot.columns["unwetted_fraction"]
    assert dry[dose < 0.7].min() > 0.2
    # All of the dose is in the pores, of which the cells differ by less than 1 %: z = 4.5 of that.
    pores = dose[dry > 0.0] / (1.0 - dry[dry > 0.0])
    assert pores.std() < 0.01
    assert pores.min() > 0.95 * pores.max()
    enough = cells.chain({"wet": {"soak_h": 500.0}}, until="wet")
    full = enough.columns["electrolyte_g"] > 0.99e3 * design.electrolyte_kg
    assert not enough.columns["unwetted_fraction"][full].any()


def test_leaks_let_water_in_while_the_cells_soak(cells: SimpleNamespace) -> None:
    leaky = {"fill": {"leak_probability": 0.5}, "wet": {"soak_h": 10.0, "leak_water_ppm_per_h": 0.01}}
    lot = cells.chain(leaky, until="wet")
    leak = lot.columns["leak"].astype(float)
    for side in ("cathode", "anode"):
        added = lot.columns[f"{side}_moisture_ppm"] - 300.0
        expected = np.where(leak > 0.0, np.minimum(0.1 * 10.0**leak, 2000.0), 0.0)
        np.testing.assert_allclose(added, expected, rtol=1e-4, atol=1e-3)
    assert (leak > 0.0).any()


@pytest.mark.parametrize(
    ("step", "cause"), [("fill", "leak"), ("weld_anode", "anode_no_fusion"), ("fold", "torn_flags")]
)
def test_sound_cells_that_are_rejected_are_noted(cells: SimpleNamespace, step: str, cause: str) -> None:
    alarms = {
        "fill": {"leak_false_alarm_probability": 0.3, "leak_probability": 0.0, "tolerance_fraction": 1.0},
        "weld_anode": {**cells.flawless["weld_anode"], "false_alarm_probability": 0.5},
        "fold": {"depth_sd_mm": 0.0, "camera_error_fraction": 0.05},
    }  # fmt: skip
    before = {}
    lot = cells.chain({step: alarms[step]}, until=step, watch=lambda name, _, seen: before.update({name: seen.n_alive}))
    order = list(before)
    rejected = before[order[-2]] - before[order[-1]]
    assert rejected > 0
    assert lot.attributes[f"false_rejects_{cause}"] == rejected


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
