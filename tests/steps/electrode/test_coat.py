from __future__ import annotations

import math
import subprocess
import sys
from statistics import NormalDist

import numba
import numpy as np
import pytest

from cellfab.core.lot import ALIVE
from cellfab.errors import ConfigError, InvariantError
from cellfab.kernels.web_field import mean_variance_factor
from cellfab.steps import coat
from cellfab.steps.calender import Calender
from cellfab.steps.coat import Coat
from cellfab.steps.dose import Dose
from cellfab.steps.notch import Notch
from cellfab.steps.slit import Slit
from cellfab.steps.slurry_mix import SlurryMix
from cellfab.steps.vacuum_dry import VacuumDry

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many segments for interpreted kernels")

WATER_SLURRY = {
    "solvent_material": "deionised_water", "solvent_density_g_per_cm3": 0.998, "solids_fraction": 0.5,
    "active_particle_um": 16.0, "gelation_per_h": 0.0,
}  # fmt: skip
WATER = {
    "solvent_material": "deionised_water", "solvent_density_g_per_cm3": 0.998, "solids_fraction": 0.5,
    "speed_m_per_min": 60.0, "dryer_m": 110.0, "drying_rate_limit_g_per_m2_s": 3.0, "recovered_share": 0.0,
    "latent_kwh_per_kg": 0.66, "web_c": 50.0, "coating_porosity": 0.52,
    "edge_fraction": {"start": 0.25, "mature": 0.10},
    "pinhole_limit_mm": 0.5, "peel_n_per_m": {"start": 45.0, "mature": 50.0}, "peel_limit_n_per_m": 6.0,
    "crack_loading_mg_per_cm2": 20.0,
}  # fmt: skip
UNCRACKED = {"crack_loading_mg_per_cm2": 500.0}


def _web(electrode, ordinal=0, dose=None, mix=None, side="cathode", maturity=0.5, noisy=(), **params):
    """One web, silent but for what is given; `noisy` names parameters of `coat` to leave at their defaults."""
    quiet = {name: value for name, value in electrode.quiet["coat"].items() if name not in noisy}
    roll = {"charge_kg": 500.0, "powder_allowance_fraction": 0.04, **electrode.quiet["dose"]}
    slurry = {**electrode.quiet["slurry_mix"], **(WATER_SLURRY if side == "anode" else {}), **(mix or {})}
    steps = [
        electrode.step(Dose, side, **{**roll, **(dose or {})}),
        electrode.step(SlurryMix, side, **slurry),
        electrode.step(Coat, side, **{**quiet, **(WATER if side == "anode" else {}), **UNCRACKED, **params}),
    ]
    seen = {}
    lot = electrode.run(steps, ordinal, maturity, look=lambda step, before, after: seen.setdefault(step.name, after))
    return lot, seen["slurry_mix"], steps[2]


def _relative(lot):
    return lot.columns["loading_mg_per_cm2"].astype(float) / 25.5 - 1.0


def _remarks(electrode, side="cathode", chemistry="nmc811", **params):
    return {remark.about: remark for remark in electrode.step(Coat, side, chemistry, **params).review()}


# ---- the web ------------------------------------------------------------------------------------------------------


def test_a_quiet_web_is_its_design_and_all_of_it_is_good(electrode):
    lot, batches, _ = _web(electrode, peel_limit_n_per_m=0.0)
    facts = lot.attributes
    assert (facts["lanes"], facts["positions"], lot.n, lot.n_alive) == (14, 857, 14 * 857, 14 * 857)
    assert facts["length_m"] == lot.amount == pytest.approx(857 * 3.4)
    assert (lot.unit, facts["stops_s"], facts["coating_porosity"]) == ("m", 0.0, 0.5)
    assert lot.columns["loading_mg_per_cm2"] == pytest.approx(np.full(lot.n, 25.5), rel=1e-6)
    charge = lot.columns["charge"].reshape(14, 857)
    assert np.all(charge == charge[0])
    assert np.all(np.diff(charge[0]) >= 0)
    # Batches of one size are used up over equal lengths, the last one only in part.
    lengths = np.bincount(charge[0])
    assert batches.n == lengths.size == 3
    assert abs(lengths[0] - lengths[1]) <= 1
    assert lengths[2] < lengths[0]


def test_segments_are_made_of_their_batch(electrode):
    lot, batches, _ = _web(electrode, dose={"active_dosing_cv": 0.01, "minor_dosing_cv": 0.05})
    charge = lot.columns["charge"]
    for name in ("active_fraction", "binder_fraction", "specific_capacity_mah_per_g"):
        assert np.array_equal(lot.columns[name], batches.columns[name][charge]), name


def test_a_rejected_batch_shortens_the_roll(electrode):
    lot, batches, _ = _web(electrode, 3, mix={"viscosity_cv": 1.0})
    gone = np.flatnonzero(~batches.alive())
    assert 0 < gone.size < batches.n
    assert not np.isin(lot.columns["charge"], gone).any()
    usable = batches.amount * 0.99 * 0.99 / (14 * 25.5e-2 * 2 * 0.066)
    assert lot.attributes["length_m"] == pytest.approx(min(usable, 857 * 3.4), abs=3.4)


def test_no_batch_no_web(electrode):
    lot, batches, step = _web(electrode, mix={"fineness_limit_um": 1.0})
    assert batches.n_alive == 0
    assert (lot.n, lot.amount, lot.attributes["length_m"], lot.attributes["kg_good"]) == (0, 0.0, 0.0, 0.0)
    work = step.work(lot, 0.5)
    assert (work.seconds, work.energy_kwh, work.heat_kwh, work.materials) == (0.0, 0.0, 0.0, {"al_foil": 0.0})


@pytest.mark.parametrize("maturity", [0.0, 1.0])
@pytest.mark.parametrize("side", ["cathode", "anode"])
def test_powder_and_solvent_are_conserved(electrode, side, maturity):
    rejected = 0
    for ordinal in range(20):
        steps = [
            electrode.step(Dose, side, charge_kg=100.0, powder_allowance_fraction=0.04),
            electrode.step(SlurryMix, side, **(WATER_SLURRY if side == "anode" else {}), viscosity_limit_ratio=1.2),
            electrode.step(Coat, side, **(WATER if side == "anode" else {})),
        ]
        lot = electrode.run(steps, ordinal, maturity)
        facts = lot.attributes
        assert facts["kg_good"] + facts["kg_scrap"] + facts["kg_returned"] == pytest.approx(facts["kg_in"])
        parts = [facts[f"solvent_{part}_kg"] for part in ("scrap", "hoses", "returned", "evaporated")]
        assert sum(parts) == pytest.approx(facts["solvent_in_kg"])
        assert min(parts) >= 0.0
        rejected += parts[0] > 0.0
        # What is evaporated belongs to what was coated, scrapped web and edge strips included.
        web_kg = lot.columns["loading_mg_per_cm2"].sum(dtype=float) * 0.01 * facts["segment_m2"] / 0.99
        wet = 1.0 if side == "anode" else 0.28 / 0.72
        assert parts[3] == pytest.approx(web_kg * wet, rel=0.02)
        alive = lot.exit_code == ALIVE
        good_kg = lot.columns["loading_mg_per_cm2"][alive].sum(dtype=float) * 0.01 * facts["segment_m2"]
        assert facts["kg_good"] == pytest.approx(good_kg + facts["kg_strip"], rel=1e-5)
    assert rejected > 0


def test_foil_heat_and_the_solvent_that_does_not_come_back(electrode):
    lot, _, step = _web(electrode)
    facts, work = lot.attributes, step.work(lot, 0.5)
    evaporated, hoses = facts["solvent_evaporated_kg"], facts["solvent_hoses_kg"]
    assert work.materials == {
        "al_foil": pytest.approx(facts["length_m"] * 14 * 0.072 / 0.92),
        "nmp": pytest.approx(0.005 * evaporated + hoses),
    }
    # NMP leaves the web at 90 degC with 72/28 of its mass in coating, and aluminium: 35.1 g/m2 on 2 x 99.2 g of NMP.
    web_kg = 72 / 28 + 2.70 * 13 / (2 * 255 * 28 / 72)
    used = 0.14 + 65 * (0.0005 + web_kg * 0.9 / 3600) + 0.4 * (1.184 / 0.008) * (1.006 / 3600) * 95
    assert work.heat_kwh == pytest.approx((used * 1.15 / 0.85 + 0.5 * 0.995) * evaporated, rel=1e-6)
    assert work.energy_kwh == pytest.approx(0.3 * 0.995 * evaporated)
    assert work.seconds == pytest.approx(facts["length_m"] / 50.0 * 60.0)
    lot, _, step = _web(electrode, side="anode")
    work, facts = step.work(lot, 0.5), lot.attributes
    assert work.materials["deionised_water"] == pytest.approx(
        facts["solvent_evaporated_kg"] + facts["solvent_hoses_kg"]
    )


# ---- loading ------------------------------------------------------------------------------------------------------


def test_offsets_of_batch_and_roll_are_shared_by_their_segments(electrode):
    lot, batches, step = _web(electrode, batch_loading_cv=0.01, roll_loading_cv=0.02)
    draws = electrode.draws(step)
    batch = 0.01 * draws.normal("batch", batches)[lot.columns["charge"]]
    assert _relative(lot) == pytest.approx(batch + 0.02 * draws.normal("roll", lot, 3)[0], abs=2e-6)


def test_what_the_gauge_loop_leaves_of_an_error_in_solids(electrode):
    lot, batches, _ = _web(electrode, mix={"solvent_cv": 0.03}, gauge_loop_share=0.75)
    solids = batches.columns["solids_fraction"].astype(float)
    volume = solids / (solids / 4.53 + (1.0 - solids) / 1.028)
    recipe = 0.72 / (0.72 / 4.53 + 0.28 / 1.028)
    assert np.ptp(volume) > 0.005
    assert _relative(lot) == pytest.approx(0.25 * (volume / recipe - 1.0)[lot.columns["charge"]], abs=1e-5)


def test_lanes_keep_their_bias_until_the_die_is_cleaned(electrode):
    # 2913.8 m a roll and a cleaning every 10 km: rolls 0-3, 4-6, 7-10 share a die.
    rolls = [
        _web(electrode, k, lane_loading_cv=0.01, die_clean_km=10.0, edge_cv=0.3, start_up_m=20.0, splice_m=5.0)[0]
        for k in range(8)
    ]
    lanes = [_relative(roll).reshape(14, -1) for roll in rolls]
    edges = [roll.columns["edge_thinning_fraction"].reshape(14, -1) for roll in rolls]
    assert all(np.ptp(lane, axis=1).max() < 1e-6 for lane in (*lanes, *edges))
    first = [round(float(lane[0, 0]), 5) for lane in lanes]
    assert len(set(first)) == 3
    assert first[0] == first[3] != first[4] == first[6] != first[7]
    assert edges[0][0, 0] == edges[3][0, 0] != edges[4][0, 0]
    # A clean die is started up; the other rolls are spliced on: 20 m are 6 positions, 5 m are 2.
    lost = [int((roll.exit_code == coat.START).sum()) // 14 for roll in rolls]
    assert lost == [6, 2, 2, 2, 6, 2, 2, 6]


def test_bias_and_edges_have_their_spread_over_lanes_and_cleanings(electrode):
    # One cleaning per roll of 28 x 3.4 m: 150 rolls x 14 lanes, z-limit 4 (6 %).
    bias, edge = [], []
    for ordinal in range(150):
        lot, _, _ = _web(
            electrode, ordinal, dose={"roll_length_m": 100.0}, lane_loading_cv=0.01, lane_drift_cv=0.02,
            die_clean_km=0.0951999, edge_fraction=-0.06, edge_cv=0.25, loading_tolerance_fraction=1.0,
        )  # fmt: skip
        bias.append(_relative(lot).reshape(14, -1)[:, 0])
        edge.append(lot.columns["edge_thinning_fraction"].reshape(14, -1)[:, 0])
    bias, edge = np.concatenate(bias), np.concatenate(edge)
    limit = 4 / math.sqrt(2 * bias.size)
    assert bias.std() == pytest.approx(math.hypot(0.01, 0.5 * 0.02), rel=limit)
    assert edge.mean() == pytest.approx(-0.06, abs=4 * 0.015 / math.sqrt(edge.size))
    assert edge.std() == pytest.approx(0.25 * 0.06, rel=limit)


def test_deposits_in_the_die_drift_the_lanes_apart(electrode):
    one, two = (
        _relative(_web(electrode, k, lane_drift_cv=0.01, die_clean_km=20.0)[0]).reshape(14, -1)[:, 0] for k in (0, 4)
    )
    assert two / one == pytest.approx(np.full(14, 9.0), rel=0.01)  # middles of rolls 0 and 4 of a die: 0.5 to 4.5 rolls


def test_drift_ripple_and_short_noise_are_averaged_over_the_electrode(electrode):
    # Drift: point variance x rho^2(3.4 m), 60 rolls x 857 positions, 2.9 of them per correlation length: z-limit 4.
    ripple = 0.02 * abs(math.sin(math.pi * 3.4 / 5.0) / (math.pi * 3.4 / 5.0)) / math.sqrt(2.0)
    for params, expected, limit in (
        ({"drift_loading_cv": 0.01, "drift_length_m": 5.0}, 0.01 * math.sqrt(mean_variance_factor(3.4, 5.0)), 0.025),
        ({"ripple_fraction": 0.02, "ripple_m": 5.0}, ripple, 0.01),
        ({"short_loading_cv": 0.05}, 0.05 * math.sqrt(mean_variance_factor(3.4, 0.05)), 4 / math.sqrt(2 * 60 * 1714)),
    ):
        squares = []
        for ordinal in range(60):
            lot, _, _ = _web(electrode, ordinal, dose={"lanes": 2}, **params)
            squares.append(np.mean(_relative(lot) ** 2))
            lanes = lot.columns["loading_mg_per_cm2"].reshape(2, -1)
            assert np.array_equal(lanes[0], lanes[1]) == ("short_loading_cv" not in params)
        assert math.sqrt(np.mean(squares)) == pytest.approx(expected, rel=limit)


def test_total_loading_spread_is_that_of_a_wet_line(electrode):
    for maturity, low, high in ((0.0, 0.018, 0.025), (1.0, 0.007, 0.009)):
        loading = [
            _relative(_web(electrode, k, maturity=maturity, noisy=electrode.quiet["coat"])[0]) for k in range(60)
        ]
        assert low < np.concatenate(loading).std() < high


def test_gauge_rejects_the_share_outside_tolerance(electrode):
    # Short noise alone gives independent segments: 35 rolls x 12 000 segments, z-limit 4.
    sigma = 0.5 * math.sqrt(mean_variance_factor(3.4, 0.05))
    out = total = 0
    for ordinal in range(35):
        lot, _, _ = _web(
            electrode, ordinal, short_loading_cv=0.5, gauge_cv=0.05, loading_tolerance_fraction=0.2,
            peel_limit_n_per_m=0.0,
        )  # fmt: skip
        out += int((lot.exit_code == coat.OFF_LOADING).sum())
        total += lot.n
    error = NormalDist(0.0, math.hypot(sigma, 0.05))  # the gauge's error is relative to the loading: second order, 1 %
    share = 2.0 * error.cdf(-0.2)
    assert out / total == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / total) + 0.01 * share)


# ---- flaws --------------------------------------------------------------------------------------------------------


def test_spots_cluster_by_batch(electrode):
    # 300 rolls of one lane (857 segments of 0.4488 m2), one batch each, 0.05 per m2: 19.2 spots a batch, negative
    # binomial with shape 1.5; z-limit 4 on mean and on the share of batches below 5.
    counts = np.array(
        [int(_web(electrode, k, dose={"lanes": 1}, spots_per_m2=0.05)[0].columns["pinholes"].sum()) for k in range(300)]
    )
    mean, shape = 857 * 0.4488 * 0.05, 1.5
    variance = mean + mean**2 / shape
    assert counts.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / 300))
    p = shape / (shape + mean)
    pmf = [math.gamma(k + shape) / math.gamma(shape) / math.factorial(k) * p**shape * (1 - p) ** k for k in range(5)]
    assert np.mean(counts < 5) == pytest.approx(sum(pmf), abs=4 * math.sqrt(sum(pmf) * (1 - sum(pmf)) / 300))
    assert counts.var() > 4.0 * mean


def test_lumps_larger_than_the_gap_make_streaks(electrode):
    # 5 lumps per m2 about the batch's agglomerates, lognormal 0.6; 20 rolls, z-limit 4.
    streaks = expected = 0.0
    for ordinal in range(20):
        lot, batches, _ = _web(electrode, ordinal, lumps_per_m2=5.0, maturity=0.0)
        size = float(batches.columns["agglomerate_um"][0])
        streaks += float(lot.columns["pinholes"].sum())
        expected += lot.n * 0.4488 * 5.0 * NormalDist().cdf(-math.log(200.0 / size) / 0.6)
    assert 70.0 < size < 90.0
    assert streaks == pytest.approx(expected, abs=4 * math.sqrt(expected))


def test_cameras_see_by_size(electrode):
    # Sizes lognormal about the limit: seen is Phi(ln(d / limit) / 0.5). 12 000 electrodes x about one flaw, z-limit 4.
    for column, cause, rate, sizes in (
        ("pinhole_mm", coat.SPOT, "spots_per_m2", {"pinhole_limit_mm": 0.3}),
        ("metal_um", coat.FOREIGN, "metal_per_m2", {"metal_seen_um": 80.0}),
    ):
        lot, _, _ = _web(electrode, **{rate: 0.1}, cluster_shape=1e9, camera_spread_ln=0.5, **sizes)
        size = lot.columns[column].astype(float)
        flawed = size > 0.0
        assert flawed.sum() > 300
        seen = (lot.exit_code == cause)[flawed]
        limit = next(iter(sizes.values()))
        expected = np.array([NormalDist().cdf(math.log(d / limit) / 0.5) for d in size[flawed]])
        assert seen.mean() == pytest.approx(expected.mean(), abs=4 * 0.5 / math.sqrt(flawed.sum()))
        large = size[flawed] > limit * 2.0
        assert seen[large].mean() > 0.85
        assert not (lot.exit_code[~flawed] == cause).any()


def test_cracks_come_with_loading_and_rate(electrode):
    # Half of the electrodes at the limit and the reference rate, in proportion to the rate: 12 000, z-limit 4.
    for speed, share in ((49.915966, 0.5), (24.957983, 0.25)):
        lot, _, step = _web(electrode, speed_m_per_min=speed, crack_loading_mg_per_cm2=25.5, peel_limit_n_per_m=0.0)
        assert step.crack_probability() == pytest.approx(share, rel=1e-6)
        cracked = np.mean(lot.exit_code == coat.CRACK)
        assert cracked == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / lot.n))


def test_breaks_cost_web_in_all_lanes_and_time(electrode):
    stopped = lost = 0
    for ordinal in range(100):
        lot, _, _ = _web(
            electrode, ordinal, dose={"lanes": 2}, breaks_per_km=0.5, break_m=20.0, stops_per_km=0.3, stop_m=30.0,
            rethread_min=1.0,
        )  # fmt: skip
        for cause in (coat.BREAK, coat.STOP):
            dead = (lot.exit_code == cause).reshape(2, -1)
            assert np.array_equal(dead[0], dead[1])
        assert bool((lot.exit_code == coat.BREAK).any()) <= (lot.attributes["stops_s"] > 0.0)
        stopped += lot.attributes["stops_s"] / 60.0
        lost += int((lot.exit_code == coat.STOP).sum()) // 2
    # 100 rolls of 2.9 km, z-limit 4; 30 m touch 30 / 3.4 + 1 positions, 2 % of them lost to a break already.
    assert stopped == pytest.approx(146, abs=4 * math.sqrt(146))
    assert lost == pytest.approx(87.4 * (30.0 / 3.4 + 1.0), rel=4 / math.sqrt(87.4))


# ---- adhesion -----------------------------------------------------------------------------------------------------


def test_peel_is_the_weakest_patch_after_drying(electrode):
    # The weakest of 4 488 lognormal patches; quantiles of 12 000 segments against the exact order statistic, limit at
    # one of them so that both ways of drawing a strength are looked at.
    dried = {"peel_n_per_m": 60.0, "peel_patch_cv": 0.12}
    step = _web(electrode, dose={"roll_length_m": 10.0})[2]
    share = step.recipe.peel_share(step.drying_rate_g_per_m2_s, 1.0)
    pe = 1e-3 * 99.1667 * 50.0 / 60.0 / 55.0 * (0.255 / (4530.0 * 0.5)) / (1028.0 * 1e-10)
    assert share == pytest.approx(pe / math.expm1(pe), rel=1e-4)
    lot, batches, _ = _web(electrode, **dried, peel_limit_n_per_m=14.0)
    cv = float(batches.columns["binder_cv"][0])
    sigma = math.sqrt(math.log1p(0.12**2) + math.log1p((1.2 * cv) ** 2))
    peel = np.sort(lot.columns["peel_n_per_m"])
    normal = NormalDist()
    for below in (0.01, 0.05, 0.5, 0.95):
        z = normal.inv_cdf(-math.expm1(math.log1p(-below) / 4488.0))
        rank = np.searchsorted(peel, 60.0 * share * math.exp(sigma * z - 0.5 * sigma**2)) / peel.size
        assert rank == pytest.approx(below, abs=4 * math.sqrt(below * (1 - below) / peel.size))


def test_what_comes_off_is_seen_with_the_stated_share(electrode):
    lot, _, _ = _web(electrode, peel_patch_cv=0.3, peel_n_per_m=55.0, blister_seen_share=0.9)
    weak = lot.columns["peel_n_per_m"] < 10.0
    seen = lot.exit_code == coat.BLISTER
    assert weak.sum() > 2000
    assert not (seen & ~weak).any()
    assert seen.sum() / weak.sum() == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / weak.sum()))


def test_keeping_columns_changes_nothing_else(electrode):
    noisy = electrode.quiet["coat"]
    kept = _web(electrode, 2, maturity=0.0, noisy=noisy)[0]
    lean = _web(electrode, 2, maturity=0.0, noisy=noisy, keep_all_columns=False)[0]
    assert np.array_equal(kept.exit_code, lean.exit_code)
    assert kept.attributes == lean.attributes
    assert set(kept.columns) - set(lean.columns) == {"pinholes", "pinhole_mm", "peel_n_per_m"}
    assert all(np.array_equal(values, kept.columns[name]) for name, values in lean.columns.items())


def test_faster_webs_peel_more(electrode):
    weak = [
        int((_web(electrode, speed_m_per_min=speed, peel_patch_cv=0.2)[0].exit_code == coat.BLISTER).sum())
        for speed in (30.0, 50.0, 60.0, 70.0, 80.0)
    ]
    assert weak == sorted(weak)
    assert weak[0] < weak[-1]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("spots_per_m2", (0.0, 0.1, 0.5, 3.0)),
        ("metal_per_m2", (0.0, 0.01, 0.1, 1.0)),
        ("breaks_per_km", (0.0, 0.1, 0.5, 2.0)),
        ("stops_per_km", (0.0, 0.1, 0.5, 2.0)),
        ("splice_m", (0.0, 5.0, 50.0)),
        ("peel_patch_cv", (0.0, 0.15, 0.3)),
        ("short_loading_cv", (0.0, 0.1, 0.3)),
        ("lane_loading_cv", (0.0, 0.01, 0.03)),
    ],
)
def test_more_of_a_flaw_never_raises_yield(electrode, name, values):
    for ordinal in range(5):
        # A cleaning long ago: no start-up. Some flaws must be seen at all.
        good = [_web(electrode, ordinal + 1, **{name: value, "metal_seen_um": 90.0})[0].n_alive for value in values]
        assert good == sorted(good, reverse=True), name
    assert good[0] > good[-1]


def test_zero_defects_give_full_yield_to_the_end_of_the_branch(electrode):
    for side, slurry, recipe in (("cathode", {}, {}), ("anode", WATER_SLURRY, WATER)):
        pressed = {"porosity_least_fraction": 0.16, "compaction_n_per_mm": 120.0} if side == "anode" else {}
        steps = [
            electrode.step(kind, side, **{**electrode.quiet[kind.name], **params})
            for kind, params in (
                (Dose, {"charge_kg": 500.0, "powder_allowance_fraction": 0.04}),
                (SlurryMix, slurry),
                (Coat, {**recipe, **UNCRACKED}),
                (Calender, pressed),
                (Slit, {}),
                (Notch, {}),
                (VacuumDry, {}),
            )
        ]
        lot = electrode.run(steps)
        assert lot.n_alive == lot.n > 11_000
        assert lot.attributes["kg_good"] == pytest.approx(lot.n * steps[2].electrode.piece_coating_kg, rel=1e-5)


# ---- review -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "impossible", "words", "params"),
    [
        ("speed_m_per_min", True, "need 3.01 g/m2/s, above the dryer's 2.5", {"speed_m_per_min": 100.0}),
        ("speed_m_per_min", False, "Peclet number 2.5", {"speed_m_per_min": 75.0}),
        ("speed_m_per_min", False, "outside 3-150", {"speed_m_per_min": 1.0}),
        ("peel_n_per_m", False, "even when dried slowly", {"peel_n_per_m": 10.0}),
        ("design.cathode.loading_mg_per_cm2", True, "the coating cracks", {"crack_loading_mg_per_cm2": 25.0}),
        ("design.cathode.loading_mg_per_cm2", False, "close to", {"crack_loading_mg_per_cm2": 28.0}),
        ("coating_porosity", True, "not above the design's 0.238", {"coating_porosity": 0.2}),
    ],
)
def test_review_says_what_is_wrong(electrode, about, impossible, words, params):
    remark = _remarks(electrode, **params)[about]
    assert remark.impossible is impossible
    assert words in remark.message


def test_hints_are_the_limits(electrode):
    hint = _remarks(electrode, speed_m_per_min=100.0)["speed_m_per_min"].hint
    assert hint == "at most 83 m/min, or 66 m of dryer"
    assert not any(remark.impossible for remark in _remarks(electrode, speed_m_per_min=83.0).values())
    assert not any(remark.impossible for remark in _remarks(electrode, speed_m_per_min=100.0, dryer_m=66.2).values())
    slowest = electrode.step(Coat).adhesion_limited_m_per_min()
    assert _remarks(electrode, speed_m_per_min=slowest * 0.99) == {}
    assert f"about {slowest:.0f} m/min" in _remarks(electrode, speed_m_per_min=slowest * 1.01)["speed_m_per_min"].hint


@pytest.mark.parametrize(
    ("side", "chemistry", "params"),
    [
        ("cathode", "nmc811", {}),
        ("anode", "nmc811", WATER),
        ("anode", "lfp", {**WATER, "solids_fraction": 0.42, "speed_m_per_min": 45.0, "dryer_m": 110.0}),
    ],
)
def test_the_recipes_of_the_card_are_sound(electrode, side, chemistry, params):
    assert _remarks(electrode, side, chemistry, **params) == {}


@pytest.mark.parametrize(
    ("column", "error"),
    [("solids_fraction", ConfigError), ("binder_cv", InvariantError), ("agglomerate_um", InvariantError)],
)
def test_a_batch_with_a_value_that_is_no_number_is_announced(electrode, column, error):
    _, batches, step = _web(electrode)
    batches.columns[column][1] = math.nan
    with pytest.raises(error, match=r"nan|not a number"):
        step.apply(batches, electrode.draws(step), 0.5)


STEPS = """
from cellfab.steps.coat import Coat
from cellfab.steps.dose import Dose
from cellfab.steps.slurry_mix import SlurryMix
flawed = {"spots_per_m2": 0.3, "metal_per_m2": 0.1, "die_clean_km": 1.0, "start_up_m": 5.0, "peel_patch_cv": 0.25}
steps = [
    electrode._step(Dose, roll_length_m=60.0, lanes=3, charge_kg=5.0),
    electrode._step(SlurryMix, unstirred_min=600.0),
    electrode._step(Coat, **flawed),
]
"""


def test_without_compilation_the_numbers_are_the_same(same_rows):
    assert len(same_rows(STEPS)) > 2


def test_reviewing_a_wet_line_loads_no_compiler():
    code = (
        "import sys\n"
        "from cellfab.scenario import load_scenario\n"
        "coat = 'line.stations.anode_coat.params'\n"
        "options = [f'{coat}.speed_m_per_min=70', f'{coat}.peel_limit_n_per_m=8']\n"
        "scenario = load_scenario('ess_lfp_prismatic', options)\n"
        "assert any('Peclet' in warning.message for warning in scenario.warnings)\n"
        "sys.exit(', '.join(sorted({'numba', 'scipy', 'pandas'} & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_slurry_of_another_recipe_is_refused(electrode):
    with pytest.raises(ConfigError, match=r"set for a solids_fraction of 0\.6, but the slurry has 0\.72"):
        _web(electrode, solids_fraction=0.6)
