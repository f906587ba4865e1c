"""Wet, form, age and grade: what the cell turns out to be, and what the tests see of it."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from cellfab.config.remark import Remark
from cellfab.core.causes import describe
from cellfab.core.defects import bit
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.formation import Formation

EXACT = {
    "batch_efficiency_sd_fraction": 0.0, "cell_efficiency_sd_fraction": 0.0, "capacity_cv": 0.0, "roll_cv": 0.0,
    "efficiency_margin_fraction": 0.9,
}  # fmt: skip


def scrapped(lot: Lot, name: str) -> np.ndarray:
    codes = [int(code) for code in np.unique(lot.exit_code) if code and describe(int(code)).name == name]
    return np.isin(lot.exit_code, codes)


def before_formation(cells: SimpleNamespace, **roll: object) -> Lot:
    lot = cells.chain(cells.flawless, until="wet", flawless=True, dead=0.0, **roll)
    assert lot.n_alive == lot.n
    return lot


def form(cells: SimpleNamespace, lot: Lot, **params: object) -> Lot:
    step = cells.steps({"formation": EXACT | params})["formation"]
    return step.apply(lot, Draws(1, 0, "formation"), 1.0)


def test_half_of_the_cells_are_wet_after_the_median_time(cells: SimpleNamespace) -> None:
    # 472 cells with the porosity of the design: z = 4.5.
    hours = 0.034**2 / (2.0 * 2.5e-8 * 0.5 * 2.0) / 3600.0
    lot = cells.chain({"wet": {"soak_h": hours}}, until="wet", maturity=1.0, flawless=True, dead=0.0)
    wet = (lot.columns["unwetted_fraction"] == 0.0).mean()
    assert abs(wet - 0.5) < 4.5 * 0.5 / math.sqrt(lot.n)


def test_dense_electrodes_wet_later(cells: SimpleNamespace) -> None:
    step = cells.steps({"wet": {"soak_h": 4.0}})["wet"]
    dry = {}
    for factor in (1.0, 0.8):
        lot = cells.chain(until="fill")
        lot.columns["anode_porosity"] *= np.float32(factor)
        dry[factor] = step.apply(lot, Draws(1, 0, "wet"), 1.0).columns["unwetted_fraction"].mean()
    assert dry[0.8] > dry[1.0] > 0.0


def test_a_cell_as_designed_has_the_rated_capacity(cells: SimpleNamespace) -> None:
    lot = form(cells, before_formation(cells))
    design = cells.design()
    loss_ah = design.anode.coating_kg * 0.03 * 300.0
    assert lot.attributes["rated_capacity_ah"] == pytest.approx(design.capacity_ah - loss_ah)
    np.testing.assert_allclose(lot.columns["capacity_ah"], design.capacity_ah - loss_ah, rtol=1e-5)
    charge_ah = design.capacity_ah / 0.875
    np.testing.assert_allclose(
        lot.columns["first_cycle_efficiency"], (design.capacity_ah - loss_ah) / charge_ah, rtol=1e-5
    )
    assert form(cells, before_formation(cells), anode_binder_loss_mah_per_g=0.0).attributes[
        "rated_capacity_ah"
    ] == pytest.approx(design.capacity_ah)


def test_capacity_follows_what_upstream_wrote(cells: SimpleNamespace) -> None:
    lot = before_formation(cells)
    design = cells.design()
    loss_ah = design.anode.coating_kg * 0.03 * 300.0
    lot.columns["cathode_areal_mah_per_cm2"][0] *= 1.02
    lot.columns["cathode_areal_mah_per_cm2"][1] *= 1.30  # more than the anode takes
    lot.columns["unwetted_fraction"][2] = 0.1
    lot.columns["cathode_moisture_ppm"][3] += 300.0  # 150 ppm in the mean, 100 of them beyond what is allowed for
    lot.columns["anode_moisture_ppm"][3] = 200.0
    capacity = form(cells, lot).columns["capacity_ah"]
    rated = design.capacity_ah - loss_ah
    assert capacity[0] == pytest.approx(1.02 * design.capacity_ah - loss_ah, rel=1e-5)
    assert capacity[1] == pytest.approx(min(1.3 * design.capacity_ah - loss_ah, design.anode.capacity_ah), rel=1e-5)
    assert capacity[1] == pytest.approx(design.anode.capacity_ah, rel=1e-5)
    assert capacity[2] == pytest.approx(0.9 * rated, rel=1e-5)
    assert capacity[3] == pytest.approx(rated - 3e-5 * 100.0 * design.capacity_ah / 0.875, rel=1e-5)


def test_resistance_adds_roll_welds_and_terminal(cells: SimpleNamespace) -> None:
    lot = before_formation(cells)
    lot.columns["anode_torn_fraction"][0] = 0.5
    welds = [lot.columns[f"{side}_weld_mohm"].astype(np.float64) for side in ("cathode", "anode")]
    found = form(cells, lot).columns["dcir_mohm"]
    np.testing.assert_allclose(found[1:], 4.5 + 0.15 + welds[0][1:] + welds[1][1:], rtol=1e-6)
    assert found[0] == pytest.approx(4.5 + 0.15 + welds[0][0] + 2.0 * welds[1][0], rel=1e-6)
    assert lot.attributes["rated_dcir_mohm"] == pytest.approx(float(found[1]), rel=0.01)


def test_electricity_is_charge_less_recovered_discharge(cells: SimpleNamespace) -> None:
    lot = form(cells, before_formation(cells))
    step = cells.steps({"formation": EXACT})["formation"]
    work = step.work(lot, 1.0)
    stored_kwh = lot.columns["capacity_ah"].sum(dtype=np.float64) * 3.68e-3
    charged_kwh = lot.n * cells.design().capacity_ah / 0.875 * 3.68e-3
    assert work.energy_kwh == pytest.approx((charged_kwh + 0.3 * stored_kwh) / 0.9 - 0.6 * stored_kwh, rel=1e-5)
    again = cells.steps({"formation": {**EXACT, "further_cycles": 2, "storage_charge_fraction": 0.0}})["formation"]
    assert again.work(lot, 1.0).energy_kwh == pytest.approx(
        (charged_kwh + 2.0 * stored_kwh) / 0.9 - 0.6 * 3.0 * stored_kwh, rel=1e-5
    )
    assert work.seconds == 18.5 * 3600.0


@pytest.mark.parametrize(("ohm", "cause"), [(0.5, "hard_short"), (20.0, "low_efficiency"), (1e4, None)])
def test_strong_shorts_show_in_formation(cells: SimpleNamespace, ohm: float, cause: str | None) -> None:
    lot = before_formation(cells)
    lot.columns["separator_fault"][:100] = 1
    certain = {
        "fault_contact_probability": 1.0, "short_median_ohm": ohm, "short_gsd": 1.0001, "fault_um": 30.0,
        "efficiency_margin_fraction": 0.02,
    }  # fmt: skip
    form(cells, lot, **certain)
    np.testing.assert_allclose(1.0 / lot.columns["short_siemens"][:100], ohm, rtol=1e-3)
    assert lot.alive()[100:].all()
    if cause is None:
        assert lot.alive().all()
    else:
        assert scrapped(lot, cause)[:100].all()


def test_dissolving_metals_depend_on_the_cathode(cells: SimpleNamespace) -> None:
    shares = []
    for volt in (3.8, 3.45, 3.3):
        step = cells.steps({"formation": {"cathode_potential_v": volt}})["formation"]
        assert isinstance(step, Formation)
        shares.append(step.dissolving_share)
    assert shares[0] == pytest.approx(0.65, abs=0.01)  # copper, iron and zinc all dissolve
    assert shares[0] > shares[1] > shares[2] > 0.29  # iron and zinc everywhere


def age(cells: SimpleNamespace, ohm: float, delay_d: float = 0.0, **params: object) -> Lot:
    lot = form(cells, before_formation(cells))
    lot.columns["short_siemens"][::40] = 1.0 / ohm
    lot.columns["short_delay_d"][::40] = delay_d
    step = cells.steps({"ageing": params})["ageing"]
    return step.apply(lot, Draws(1, 0, "ageing"), 1.0)


def test_the_k_test_finds_a_short_in_a_small_cell_at_a_steep_voltage(cells: SimpleNamespace) -> None:
    lot = age(cells, 5e3)
    assert scrapped(lot, "k_value")[::40].all()
    assert lot.attributes["shorts_seen"] == 12.0
    assert lot.attributes["shorts_missed"] == 0.0
    sound = np.delete(scrapped(lot, "k_value"), np.s_[::40])
    assert sound.mean() < 0.02


def test_the_k_test_is_blind_on_the_plateau_and_to_what_has_not_grown(cells: SimpleNamespace) -> None:
    plateau = age(cells, 5e3, ocv_slope_mv_per_percent=0.3, test_voltage_v=3.3)
    assert plateau.attributes["shorts_missed"] == 12.0
    assert plateau.attributes["k_detectable_ohm"] < 5e3
    dormant = age(cells, 5e3, delay_d=30.0)
    assert dormant.attributes["shorts_dormant"] == 12.0


def test_k_of_a_sound_cell_is_its_chemical_current(cells: SimpleNamespace) -> None:
    exact = {"chemical_cell_gsd": 1.0, "chemical_lot_gsd": 1.0, "rest_c": 20.0, "settling_excess_ratio": 0.0}
    lot = age(cells, 1e12, **exact)
    np.testing.assert_allclose(lot.columns["k_mv_per_d"], 1.4e-6 * 24.0 * 100.0 * 8.0, rtol=1e-4)
    noise = (lot.columns["k_measured_mv_per_d"] - lot.columns["k_mv_per_d"]).std()
    expected = math.sqrt(2.0) * math.hypot(0.10, 0.075) / 10.0
    assert abs(noise - expected) < 4.5 * expected / math.sqrt(2.0 * lot.n)  # 472 cells


def grade(cells: SimpleNamespace, lot: Lot, **params: object) -> Lot:
    exact = {
        "capacity_noise_fraction": 0.0, "tray_temperature_k": 0.0, "dcir_noise_fraction": 0.0,
        "appearance_probability": 0.0,
    }  # fmt: skip
    step = cells.steps({"grade": exact | params})["grade"]
    return step.apply(lot, Draws(1, 0, "grade"), 1.0)


def test_limits_and_grades(cells: SimpleNamespace) -> None:
    lot = form(cells, before_formation(cells))
    for row, factor in enumerate((0.95, 0.97, 1.0)):
        lot.columns["capacity_ah"][row] *= np.float32(factor)
    lot.columns["dcir_mohm"][3:5] *= np.array([1.08, 1.2], np.float32)
    grade(cells, lot)
    assert lot.columns["grade"][:6].tolist() == [0, 2, 1, 2, 0, 1]
    assert scrapped(lot, "low_capacity")[:6].tolist() == [True, False, False, False, False, False]
    assert scrapped(lot, "high_dcir")[:6].tolist() == [False, False, False, False, True, False]
    good = lot.alive()
    assert lot.attributes["grade_a_cells"] + lot.attributes["grade_b_cells"] == good.sum()
    energy_wh = lot.columns["capacity_ah"].astype(np.float64) * 3.68
    np.testing.assert_allclose(lot.columns["energy_wh"], energy_wh, rtol=1e-6)
    assert lot.attributes["good_energy_kwh"] == pytest.approx(1e-3 * energy_wh[good].sum(), rel=1e-5)


def test_trays_share_their_temperature_error(cells: SimpleNamespace) -> None:
    lot = grade(cells, form(cells, before_formation(cells)), tray_temperature_k=2.0, least_capacity_fraction=0.5)
    error = lot.columns["capacity_measured_ah"] / lot.columns["capacity_ah"] - 1.0
    tray = lot.columns["tray_position"] // 64
    for one in np.unique(tray):
        np.testing.assert_allclose(error[tray == one], error[tray == one][0], atol=1e-6)
    assert np.unique(np.round(error, 5)).size > 4


def test_escapes_are_true_defects_of_sold_cells(cells: SimpleNamespace) -> None:
    lot = before_formation(cells)
    columns = lot.columns
    columns["anode_weld_unfused"][1] = 2
    columns["cathode_weld_burnt"][2] = 1
    columns["overhang_mm"][3] = -0.1
    columns["unwetted_fraction"][4] = 0.03
    columns["leak"][[5, 8]] = 1.0
    columns["separator_fault"][[0, 6, 8, 9]] = 1
    columns["anode_areal_mah_per_cm2"][7] *= 0.5
    columns["least_np_ratio"][7] *= 0.5
    # Every separator fault conducts here, weakly.
    form(cells, lot, fault_contact_probability=1.0, short_median_ohm=1e6, efficiency_margin_fraction=0.9)
    lot.scrap(np.arange(lot.n) == 9, 1)
    grade(cells, lot, leak_detection_probability=0.0, least_capacity_fraction=0.1)
    escapes = {
        name.removeprefix("escapes_"): value for name, value in lot.attributes.items() if name.startswith("escapes_")
    }
    assert escapes == {
        "soft_short": 3.0, "no_fusion": 1.0, "burn_through": 1.0, "separator_fault": 3.0, "overhang": 1.0,
        "under_wetted": 1.0, "leak": 2.0, "anode_limited": 1.0, "plating": 1.0,
    }  # fmt: skip
    assert lot.attributes["escapes"] == 9.0


def remarks(cells: SimpleNamespace, step: str, design: object = None, **params: object) -> dict[str, Remark]:
    return {remark.about: remark for remark in cells.steps({step: params}, design)[step].review()}


def test_recipes_within_the_published_ranges_pass_without_remark(cells: SimpleNamespace) -> None:
    for name, step in cells.steps().items():
        if name in ("formation", "ageing", "grade"):
            assert not list(step.review()), name


@pytest.mark.parametrize("volt", [4.3, 2.4])
def test_formation_outside_the_voltage_limits_is_impossible(cells: SimpleNamespace, volt: float) -> None:
    remark = remarks(cells, "formation", charge_voltage_v=volt)["charge_voltage_v"]
    assert remark.impossible
    assert f"{volt:g} V" in remark.message
    assert "2.5 to 4.2 V" in remark.message
    assert not remarks(cells, "formation", charge_voltage_v=4.2)


@pytest.mark.parametrize(
    ("about", "params", "changes"),
    [
        ("charge_c_rate", {"charge_c_rate": 1.0}, {}),
        ("channel_h", {"charge_c_rate": 0.05, "channel_h": 18.0}, {}),
        ("design.first_cycle_efficiency", {}, {"first_cycle_efficiency": 0.80}),
        ("plating_c_rate", {"plating_c_rate": 5.0}, {}),
        ("plating_c_rate", {"plating_temperature_c": -20.0}, {}),
    ],
)
def test_odd_recipes_are_remarked_on(
    cells: SimpleNamespace, about: str, params: dict[str, float], changes: dict[str, float]
) -> None:
    found = remarks(cells, "formation", cells.design(**changes), **params)
    assert list(found) == [about]
    assert not found[about].impossible


def test_the_k_test_says_when_it_cannot_see_its_short(cells: SimpleNamespace) -> None:
    # A prismatic cell of 314 Ah, at low charge and on the plateau.
    large = SimpleNamespace(**{**vars(cells.design()), "capacity_ah": 314.0})
    step = cells.steps({"ageing": {"ocv_slope_mv_per_percent": 6.0, "test_voltage_v": 3.15, "rest_d": 7.0}})["ageing"]
    assert not list(step.review())  # 23 Ah
    step.design = large
    assert not list(step.review())
    blind = cells.steps({"ageing": {"ocv_slope_mv_per_percent": 0.3, "test_voltage_v": 3.3, "rest_d": 7.0}})["ageing"]
    blind.design = large
    (remark,) = blind.review()
    assert not remark.impossible
    assert "1000 Ohm in a cell of 314 Ah take 0.0076 mV/d" in remark.message
    # The slope that the hint names is enough, a little less is not.
    needed = float(remark.hint.split("at least ")[1].split(" mV")[0])
    for factor, warned in ((1.05, False), (0.9, True)):
        step = cells.steps(
            {"ageing": {"ocv_slope_mv_per_percent": factor * needed, "test_voltage_v": 3.3, "rest_d": 7.0}}
        )["ageing"]
        step.design = large
        assert bool(list(step.review())) is warned
    assert "leakage_test_h" in remark.hint
    rescued = cells.steps({"ageing": {"ocv_slope_mv_per_percent": 0.3, "leakage_test_h": 6.0}})["ageing"]
    rescued.design = large
    assert not list(rescued.review())
    flat = cells.steps({"ageing": {"ocv_slope_mv_per_percent": 0.0}})["ageing"]
    assert "0 Ohm" in next(iter(flat.review())).message
    spread = cells.steps({"ageing": {"short_to_see_ohm": 1e6}})["ageing"]
    assert "neither slope nor days" in next(iter(spread.review())).hint


def test_what_the_review_says_is_what_the_test_sees(cells: SimpleNamespace) -> None:
    # Shorts of a third and of three times the weakest that is seen: nearly all and nearly none of twelve are found.
    step = cells.steps({"ageing": {"short_to_see_ohm": 1e9}})["ageing"]
    weakest = float(next(iter(step.review())).message.split("seen has ")[1].split(" Ohm")[0])
    exact = {"chemical_lot_gsd": 1.0}
    assert age(cells, weakest / 3.0, **exact).attributes["shorts_seen"] >= 11.0
    assert age(cells, weakest * 3.0, **exact).attributes["shorts_seen"] <= 1.0


def test_a_leakage_test_sees_what_the_plateau_hides(cells: SimpleNamespace) -> None:
    plateau = {"ocv_slope_mv_per_percent": 0.3, "test_voltage_v": 3.3}
    blind = age(cells, 5e3, **plateau)
    assert "leakage_measured_ua_per_ah" not in blind.columns
    assert blind.attributes["shorts_missed"] == 12.0
    lot = age(cells, 5e3, **plateau, leakage_test_h=6.0)
    assert lot.attributes["shorts_seen"] == 12.0
    high = scrapped(lot, "leakage_current")
    assert high[::40].all()
    assert lot.attributes["false_rejects_leakage_current"] == high.sum() - 12.0
    assert lot.attributes["k_detectable_ohm"] > 5e3 > blind.attributes["k_detectable_ohm"]
    # 1.83 uA/Ah at 25 degC, with 4.5 standard errors of the median of 472 lognormal cells in one lot (GSD 1.15 more).
    median = np.median(lot.columns["leakage_measured_ua_per_ah"])
    assert 1.83 * 1.15**-4.5 < median < 1.83 * 1.15**4.5
    work = cells.steps({"ageing": {"leakage_test_h": 6.0}})["ageing"].work(lot, 1.0)
    assert work.seconds == 13 * 86_400.0 + 6 * 3600.0


def test_bridges_grow_slower_in_the_cold(cells: SimpleNamespace) -> None:
    dormant = []
    for warm_c in (45.0, 25.0):
        lot = age(cells, 5e3, delay_d=3.5, warm_c=warm_c)
        dormant.append(lot.attributes["shorts_dormant"])
    assert dormant == [0.0, 12.0]


def test_sound_cells_that_a_test_rejects_are_noted(cells: SimpleNamespace) -> None:
    lot = age(cells, 1e2, limit_sigmas_number=1.5)
    high = scrapped(lot, "k_value")
    assert lot.attributes["false_rejects_k_value"] == high.sum() - 12.0 > 0.0
    lot = form(cells, before_formation(cells))
    lot.columns["capacity_ah"][:200] *= np.float32(0.965)
    grade(cells, lot, capacity_noise_fraction=0.005)
    rejected = scrapped(lot, "low_capacity")
    assert lot.attributes["false_rejects_low_capacity"] == rejected.sum() > 10.0
    assert lot.attributes["false_rejects_high_dcir"] == 0.0


def test_local_anode_reserve_decides_about_plating(cells: SimpleNamespace) -> None:
    def plating(**columns: float) -> float:
        lot = before_formation(cells)
        for name, value in columns.items():
            lot.columns[name] = np.full(lot.n, value, np.float32)
        return float((form(cells, lot).columns["defects"] & bit("plating") > 0).mean())

    assert plating() == 0.0
    assert plating(least_np_ratio=1.0) == 1.0
    assert plating(least_np_ratio=1.02) == 0.0
    assert plating(anode_edge_thinning_fraction=0.15) == 1.0
    assert plating(anode_edge_thinning_fraction=0.15, cathode_edge_thinning_fraction=0.15) == 0.0
    assert plating(cathode_edge_thinning_fraction=-0.15) == 1.0
    assert plating(anode_porosity=0.05) == 1.0
    assert plating(anode_hole_mm=0.9) == 0.0
    assert 0.0 < plating(anode_hole_mm=1.1) < 0.2


def test_gas_follows_charge_and_water(cells: SimpleNamespace) -> None:
    lot = before_formation(cells)
    charge_ah = cells.design().capacity_ah / 0.875
    lot.columns["cathode_moisture_ppm"][:] = 350.0
    lot.columns["anode_moisture_ppm"][:] = 350.0
    gas = form(cells, lot, gas_cv=0.0).columns["gas_ml"]
    np.testing.assert_allclose(gas, charge_ah * (0.8 + 0.02), rtol=1e-4)  # 0.02 mL/Ah for 100 ppm beyond 250


def test_shorts_are_told_by_how_they_came_about(cells: SimpleNamespace) -> None:
    lot = before_formation(cells)
    lot.columns["particle_um"][:] = 25.0
    form(cells, lot, piercing_ratio=1.8)
    siemens, delay = lot.columns["short_siemens"], lot.columns["short_delay_d"]
    assert lot.attributes["shorts_chemical"] == np.count_nonzero(delay) > 0
    assert lot.attributes["shorts_mechanical"] == np.count_nonzero(siemens) - np.count_nonzero(delay) > 0


def test_cells_welded_twice_are_grade_b_where_the_buyer_wants_it(cells: SimpleNamespace) -> None:
    lot = before_formation(cells)
    lot.columns["anode_weld_rewelded"] = (np.arange(lot.n) % 10 == 0).astype(np.uint8)
    again = lot.columns["anode_weld_rewelded"] > 0
    form(cells, lot)
    lot.columns["cathode_weld_rewelded"] = np.zeros(lot.n, np.uint8)  # gone with formation, like the other
    grade(cells, lot, downgrade_rework=True)
    assert (lot.columns["grade"][again] == 2).all()
    assert (lot.columns["grade"][~again] == 1).all()


def test_usable_share_of_a_rack_follows_the_spread_of_grade_a(cells: SimpleNamespace) -> None:
    lot = form(cells, before_formation(cells), capacity_cv=0.005)
    grade(cells, lot, cells_in_series=416, grade_a_capacity_fraction=0.9, least_capacity_fraction=0.9)
    capacity = lot.columns["capacity_ah"].astype(np.float64)
    expected = 1.0 - 2.97 * capacity.std() / capacity.mean()
    assert lot.attributes["rack_usable_fraction"] == pytest.approx(expected, abs=1e-4)
    assert 0.98 < expected < 0.99


def test_a_test_voltage_of_another_chemistry_is_impossible(cells: SimpleNamespace) -> None:
    lfp = cells.design(nominal_voltage_v=3.2, upper_voltage_v=3.65, first_cycle_efficiency=0.9)
    (remark,) = remarks(cells, "ageing", lfp).values()
    assert remark.impossible
    assert "3.7 V, outside their limits of 2.5 to 3.65 V" in remark.message


@pytest.mark.parametrize(
    ("about", "params"),
    [
        ("least_capacity_fraction", {"least_capacity_fraction": 1.0}),
        ("most_dcir_fraction", {"most_dcir_fraction": 0.9}),
        ("grade_a_capacity_fraction", {"grade_a_capacity_fraction": 0.95}),
        ("grade_a_dcir_fraction", {"grade_a_dcir_fraction": 1.2}),
        ("least_capacity_fraction", {"tray_temperature_k": 5.0}),
    ],
)
def test_odd_limits_are_remarked_on(cells: SimpleNamespace, about: str, params: dict[str, float]) -> None:
    found = remarks(cells, "grade", None, **params)
    assert list(found) == [about]
    assert not found[about].impossible


def test_a_chemistry_is_parameters_and_nothing_else(cells: SimpleNamespace) -> None:
    # The same numbers under another name give the same cells; those of a sodium cell give a sodium cell.
    sodium = {
        "formation": {
            "cathode_potential_v": 3.3, "gas_ml_per_ah": 1.0, "cell_efficiency_sd_fraction": 0.006,
            "batch_efficiency_sd_fraction": 0.0, "anode_binder_loss_mah_per_g": 0.0, "plating_margin_ratio": 0.02,
            "capacity_cv": 0.0, "efficiency_margin_fraction": 0.9,
        },
        "ageing": {"test_voltage_v": 2.9, "ocv_slope_mv_per_percent": 8.0, "rest_d": 7.0},
    }  # fmt: skip
    made = {}
    for name in ("nmc811/graphite", "nfpp/hard carbon"):
        design = cells.design(chemistry=name, first_cycle_efficiency=0.82)
        lot = before_formation(cells, design=design)
        steps = cells.steps(sodium, design)
        steps["formation"].apply(lot, Draws(1, 0, "formation"), 1.0)
        made[name] = dict(lot.columns)
        for step in ("ageing", "grade"):
            steps[step].apply(lot, Draws(1, 0, step), 1.0)
        made[name] |= lot.columns
    assert made["nmc811/graphite"].keys() == made["nfpp/hard carbon"].keys()
    for column, values in made["nfpp/hard carbon"].items():
        np.testing.assert_array_equal(values, made["nmc811/graphite"][column], err_msg=column)
    efficiency = made["nfpp/hard carbon"]["first_cycle_efficiency"].astype(np.float64)
    n = efficiency.size  # 472 cells: mean and spread to z = 4.5
    assert abs(efficiency.mean() - 0.82) < 4.5 * 0.006 / math.sqrt(n)
    assert abs(efficiency.std() - 0.006) < 4.5 * 0.006 / math.sqrt(2.0 * n)
