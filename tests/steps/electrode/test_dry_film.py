from __future__ import annotations

import math
from statistics import NormalDist

import numba
import numpy as np
import pytest

from cellfab.kernels.web_field import mean_variance_factor
from cellfab.steps import dry_film
from cellfab.steps.dose import Dose
from cellfab.steps.dry_film import DryFilm
from cellfab.steps.dry_mix import DryMix

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many segments for interpreted kernels")


def _web(electrode, ordinal=0, dose=None, mix=None, side="cathode", maturity=0.5, noisy=(), **film):
    """One web, silent but for what is given; `noisy` names film parameters to leave at their defaults."""
    quiet = {k: v for k, v in electrode.quiet["dry_film"].items() if k not in noisy}
    steps = [
        electrode.step(Dose, side, **{**electrode.quiet["dose"], **(dose or {})}),
        electrode.step(DryMix, side, **{**electrode.quiet["dry_mix"], **(mix or {})}),
        electrode.step(DryFilm, side, **{**quiet, **film}),
    ]
    seen = {}
    lot = electrode.run(steps, ordinal, maturity, look=lambda step, before, after: seen.setdefault(step.name, after))
    return lot, seen["dry_mix"], steps[2]


def test_rows_are_segments_lane_by_lane(electrode):
    lot, charges, _ = _web(electrode)
    facts = lot.attributes
    assert (facts["lanes"], facts["positions"], lot.n) == (14, 857, 14 * 857)
    assert facts["length_m"] == pytest.approx(857 * 3.4)
    assert lot.amount == pytest.approx(857 * 3.4)
    assert lot.unit == "m"
    assert lot.columns["loading_mg_per_cm2"] == pytest.approx(np.full(lot.n, 25.5), rel=1e-6)
    charge = lot.columns["charge"].reshape(14, 857)
    assert np.all(charge == charge[0])
    assert np.all(np.diff(charge[0]) >= 0)
    assert set(charge[0]) == set(range(charges.n))
    # Charges of one size are used up over equal lengths, the last one only in part.
    metres = np.bincount(charge[0].astype(int)) * 3.4
    assert metres[:-1] == pytest.approx(np.full(charges.n - 1, metres[0]), abs=3.5)
    assert metres[-1] < metres[0]


def test_a_rejected_charge_shortens_the_roll(electrode):
    lot, charges, _ = _web(electrode, mix={"strength_cv": 0.5}, ordinal=3)
    gone = np.flatnonzero(~charges.alive())
    assert gone.size
    assert not np.isin(lot.columns["charge"], gone).any()
    usable = charges.amount * 0.94 * 0.99 / (14 * 25.5e-2 * 2 * 0.066)
    assert lot.attributes["length_m"] == pytest.approx(min(usable, 857 * 3.4), abs=3.4)
    assert lot.attributes["length_m"] < 857 * 3.4


def test_no_charge_no_web(electrode):
    lot, charges, step = _web(electrode, mix={"release_strength_mpa": 20.0})
    assert charges.n_alive == 0
    assert (lot.n, lot.amount, lot.attributes["length_m"], lot.attributes["stops_s"]) == (0, 0.0, 0.0, 0.0)
    assert step.work(lot, 0.5).materials == {"al_foil": 0.0}


def test_powder_is_accounted_for(electrode):
    lot, charges, _ = _web(electrode)
    facts = lot.attributes
    web_kg = lot.n * 25.5e-2 * 2 * 3.4 * 0.066 / 0.99
    assert facts["kg_good"] == pytest.approx(web_kg, rel=1e-5)
    assert facts["kg_strip"] == pytest.approx(0.01 * web_kg, rel=1e-5)
    assert facts["kg_scrap"] == pytest.approx(0.06 * 0.1 * charges.amount, rel=1e-5)
    assert facts["kg_in"] == pytest.approx(facts["kg_good"] + facts["kg_scrap"] + facts["kg_returned"])


def test_foil_and_heat_follow_the_web(electrode):
    lot, _, step = _web(electrode, side="anode")
    work = step.work(lot, 0.5)
    area = lot.attributes["length_m"] * 14 * 0.073 / 0.92
    assert work.materials == {"cu_foil": pytest.approx(area)}
    assert work.energy_kwh == pytest.approx(0.03 * area)
    assert work.seconds is None


def test_offsets_of_charge_roll_and_lane_are_shared_by_their_segments(electrode):
    lot, charges, step = _web(
        electrode, charge_loading_cv=0.01, roll_loading_cv=0.02, lane_loading_cv=0.03, lane_drift_share=0.0
    )
    draws = electrode.draws(step)
    charge = 0.01 * draws.normal("charge", charges)[lot.columns["charge"].astype(int)]
    roll = 0.02 * draws.normal("roll", lot, 1)[0]
    error = lot.columns["loading_mg_per_cm2"] / 25.5 - 1.0 - charge - roll
    lanes = error.reshape(14, -1)
    assert np.ptp(lanes, axis=1).max() < 1e-5
    assert 0.01 < lanes[:, 0].std() < 0.06


def _lane_errors(electrode, ordinals, **film):
    """Relative errors of the first and the last position of each lane, shape (rolls, 2, lanes)."""
    webs = [_web(electrode, i, dose={"lanes": 30, "roll_length_m": 700.0}, **film)[0] for i in ordinals]
    loading = [web.columns["loading_mg_per_cm2"].reshape(30, -1)[:, [0, -1]].T / 25.5 - 1.0 for web in webs]
    return np.array(loading, dtype=float)


def test_lanes_keep_their_offset_until_the_gap_is_set_again(electrode):
    # Rolls of 680 m, the gap set every 3.4 km: five rolls share their lanes' offsets, the next five have others.
    errors = _lane_errors(electrode, range(10), lane_loading_cv=0.01, lane_setting_km=3.4, lane_drift_share=0.0)
    assert np.allclose(errors[:5], errors[0, 0], atol=1e-5)
    assert np.allclose(errors[5:], errors[5, 0], atol=1e-5)
    assert abs(np.corrcoef(errors[0, 0], errors[5, 0])[0, 1]) < 0.6


def test_lanes_drift_linearly_and_have_their_variance_over_the_interval(electrode):
    # All of it drift: from nothing at a setting to sqrt(3) cv just before the next; linear within and between rolls.
    errors = _lane_errors(electrode, range(5), lane_loading_cv=0.01, lane_setting_km=3.4, lane_drift_share=1.0)
    final = errors[4, 1]
    ages = np.array([(i * 680.0 + at) / 3400.0 for i in range(5) for at in (0.0, 199 * 3.4)])
    assert errors.reshape(10, 30) == pytest.approx(ages[:, None] / ages[-1] * final, abs=1e-5)
    # 40 settings x 30 lanes, five rolls each that share a number: 1 200 numbers, z-limit 4.
    webs = _lane_errors(electrode, range(200), lane_loading_cv=0.01, lane_setting_km=3.4, lane_drift_share=0.25)
    variance = np.mean(webs**2)
    assert math.sqrt(variance) == pytest.approx(0.01, rel=4 / math.sqrt(2 * 1200))


def test_edges_are_thin_by_lane(electrode):
    lot, _, _ = _web(electrode, edge_thinning_fraction=0.04, edge_thinning_cv=0.3, dose={"lanes": 60})
    edges = lot.columns["edge_thinning_fraction"].reshape(60, -1)
    assert np.all(edges == edges[:, :1])
    assert math.exp(np.log(edges[:, 0]).mean()) == pytest.approx(0.04, rel=4 * 0.29 / math.sqrt(60))


def test_drift_and_ripple_are_the_same_across_the_web(electrode):
    # Drift: point variance x rho^2(3.4 m), 60 rolls x 857 positions, 4 of them per correlation length: z-limit 4.
    # Runout: amplitude TIR / 2 / h, averaged by sinc over the electrode.
    film_um = 10 * 25.5 / (4.53 * 0.58)
    wave = math.pi * 0.4
    ripple = 1.5 / film_um * abs(math.sin(math.pi * 3.4 / wave) / (math.pi * 3.4 / wave)) / math.sqrt(2.0)
    drift = 0.01 * math.sqrt(mean_variance_factor(3.4, 5.0))
    for film, expected, limit in (
        ({"drift_loading_cv": 0.01, "drift_length_m": 5.0}, drift, 4 / math.sqrt(2 * 60 * 857 / 2.5)),
        ({"roll_runout_um": 3.0}, ripple, 0.02),
    ):
        squares = []
        for ordinal in range(60):
            lot, _, _ = _web(electrode, ordinal, dose={"lanes": 2}, **film)
            error = lot.columns["loading_mg_per_cm2"].reshape(2, -1).astype(float) / 25.5 - 1.0
            assert np.array_equal(error[0], error[1])
            squares.append(np.mean(error[0] ** 2))
        assert math.sqrt(np.mean(squares)) == pytest.approx(expected, rel=limit)


def test_feed_noise_is_averaged_by_nip_and_electrode(electrode):
    # 20 rolls x 12 000 independent segments, z-limit 4 (0.6 %).
    error = [
        _web(electrode, ordinal, feed_cv=0.5)[0].columns["loading_mg_per_cm2"].astype(float) / 25.5 - 1.0
        for ordinal in range(20)
    ]
    expected = 0.5 * math.sqrt(0.02 / 0.03 * mean_variance_factor(3.4, 0.02))
    assert np.concatenate(error).std() == pytest.approx(expected, rel=4 / math.sqrt(2 * 20 * 11_900))


def test_total_loading_spread_is_that_of_a_ramping_dry_line(electrode):
    for maturity, low, high in ((0.0, 0.018, 0.03), (1.0, 0.010, 0.013)):
        loading = []
        for ordinal in range(60):
            lot, _, _ = _web(electrode, ordinal, maturity=maturity, noisy=electrode.quiet["dry_film"])
            loading.append(lot.columns["loading_mg_per_cm2"] / 25.5 - 1.0)
        assert low < np.concatenate(loading).std() < high


def test_gauge_rejects_the_share_outside_tolerance(electrode):
    # Feed noise alone gives independent segments: 35 rolls x 12 000 segments, z-limit 4.
    sigma = 1.0 * math.sqrt(0.02 / 0.03 * mean_variance_factor(3.4, 0.02))
    out = total = 0
    for ordinal in range(35):
        lot, _, _ = _web(electrode, ordinal, feed_cv=1.0, gauge_cv=0.05, loading_tolerance_fraction=0.2)
        out += int((lot.exit_code == dry_film.OFF_LOADING).sum())
        total += lot.n
    error = NormalDist(0.0, math.hypot(sigma, 0.05))  # the gauge's error is relative to the loading: second order, 1 %
    share = 2.0 * error.cdf(-0.2)
    assert out / total == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / total) + 0.01 * share)


def test_breaks_come_at_the_rate_of_the_weakest_link_and_cost_time(electrode):
    # 250 rolls of 2.9 km with a film so long-winded that about 70 breaks come per roll: rate (1 / L0) (30 / (S h))^3,
    # 17 000 breaks, z-limit 4 (3 %; the exponent alone moves it by a factor).
    breaks, rolls = 0, 250
    for ordinal in range(rolls):
        lot, charges, step = _web(
            electrode,
            ordinal,
            dose={"lanes": 1},
            tension_n_per_m=30.0,
            break_scale_m=1.5,
            break_loss_m=1.0,
            rethread_min=30.0,
        )
        assert lot.attributes["stops_s"] % 1800.0 == 0.0
        breaks += round(lot.attributes["stops_s"] / 1800.0)
    strength = float(charges.columns["film_strength_mpa"][0])
    expected = rolls * lot.attributes["length_m"] / 1.5 * (30.0 / (strength * step.film_um)) ** 3
    assert expected > 15_000
    assert breaks == pytest.approx(expected, abs=4 * math.sqrt(expected))


def test_more_tension_never_breaks_the_web_less_on_the_same_draws(electrode):
    for ordinal in range(20):
        stops = [
            _web(electrode, ordinal, dose={"lanes": 1}, tension_n_per_m=tension)[0].attributes["stops_s"]
            for tension in (0.0, 20.0, 30.0, 45.0, 60.0, 90.0)
        ]
        assert stops == sorted(stops)
        assert stops[0] == 0.0
        assert stops[-1] > 0.0


def test_a_shortened_roll_keeps_the_numbers_of_what_is_left(electrode):
    # The same roll with and without its rejected charges: lane by lane, what is left has the same feed noise.
    film = {"feed_cv": 0.5, "loading_tolerance_fraction": 1.0}
    whole, _, _ = _web(electrode, 3, **film)
    short, _, _ = _web(electrode, 3, mix={"strength_cv": 0.5}, **film)
    assert short.attributes["positions"] < whole.attributes["positions"]
    left = whole.columns["loading_mg_per_cm2"].reshape(14, -1)[:, : int(short.attributes["positions"])]
    assert np.array_equal(short.columns["loading_mg_per_cm2"], left.ravel())


def test_a_break_costs_web_in_all_lanes(electrode):
    lost = breaks = 0
    for ordinal in range(300):
        lot, _, _ = _web(
            electrode,
            ordinal,
            dose={"lanes": 2},
            tension_n_per_m=30.0,
            break_scale_m=100.0,
            break_loss_m=20.0,
            rethread_min=1.0,
        )
        dead = (lot.exit_code == dry_film.BREAK).reshape(2, -1)
        assert np.array_equal(dead[0], dead[1])
        assert bool(dead.any()) == (lot.attributes["stops_s"] > 0.0)
        lost += int(dead[0].sum())
        breaks += lot.attributes["stops_s"] / 60.0
    # A stretch of 20 m touches 20 / 3.4 + 1 segments; a few overlap or lie at an end of the roll.
    assert lost == pytest.approx(breaks * (20.0 / 3.4 + 1.0), rel=0.04)


def test_threading_takes_the_start_of_every_lane(electrode):
    lot, _, _ = _web(electrode, threading_m=10.0)
    dead = (lot.exit_code == dry_film.THREADING).reshape(14, -1)
    assert np.array_equal(dead, np.tile(np.arange(857) < 3, (14, 1)))


def test_pinholes_are_poisson_in_area(electrode):
    # 20 rolls x 12 000 segments of 0.4488 m2 at 0.5 per m2 of a film of reference strength; z-limit 4.
    holes = total = 0
    for ordinal in range(20):
        lot, charges, _ = _web(electrode, ordinal, pinholes_per_m2=0.5, pinhole_limit_mm=100.0, cluster_shape=1e6)
        holes += float(lot.columns["pinholes"].sum())
        total += lot.n
        assert np.array_equal(lot.columns["pinholes"] > 0, lot.columns["pinhole_mm"] > 0)
        out = lot.exit_code == dry_film.HOLE
        assert out.sum() < 3  # one hole in a million is as large as the limit
        assert (lot.columns["pinhole_mm"][out] > 50.0).all()
    expected = total * 0.5 * 0.4488 * 0.95 / float(charges.columns["film_strength_mpa"][0])
    assert holes == pytest.approx(expected, abs=4 * math.sqrt(expected))


def test_holes_have_their_sizes_and_are_seen_with_the_probability_of_detection(electrode):
    # 30 rolls x 12 000 segments at 0.1 per m2. Sizes lognormal; of holes of size d, Phi(ln(d / limit) / s) are seen,
    # whatever the way in which the two kinds are drawn. z-limit 4, on segments with one hole.
    size, seen = [], []
    for ordinal in range(30):
        lot, _, _ = _web(
            electrode, ordinal, pinholes_per_m2=0.1, cluster_shape=1e6, pinhole_median_mm=0.3, pinhole_spread_ln=0.6,
            pinhole_limit_mm=0.4, camera_spread_ln=0.5,
        )  # fmt: skip
        one = lot.columns["pinholes"] == 1
        size += lot.columns["pinhole_mm"][one].tolist()
        seen += (lot.exit_code[one] == dry_film.HOLE).tolist()
    z, seen, normal = np.log(np.array(size) / 0.3) / 0.6, np.array(seen), NormalDist()
    n = z.size
    assert n > 10_000
    assert abs(z.mean()) < 4 / math.sqrt(n)
    assert z.std() == pytest.approx(1.0, rel=4 / math.sqrt(2 * n))
    for low, high in ((-5.0, -0.5), (-0.5, 0.5), (0.5, 1.0), (1.0, 5.0)):
        inside = (z > low) & (z < high)
        detected = np.mean([normal.cdf((0.6 * value - math.log(0.4 / 0.3)) / 0.5) for value in z[inside]])
        error = 4 * math.sqrt(detected * (1.0 - detected) / inside.sum())
        assert seen[inside].mean() == pytest.approx(detected, abs=error)


def test_hole_free_yield_is_negative_binomial_over_charges(electrode):
    # Gamma-mixed over charges: P(no hole in a segment) = (1 + mean / shape)^-shape (Stapper's yield), where the plain
    # Poisson number would give exp(-mean). 60 rolls x 1 lane, 10 charges each; z-limit 4 on the mean of charges.
    shape, shares, means = 1.5, [], []
    for ordinal in range(60):
        lot, charges, _ = _web(
            electrode, ordinal, dose={"lanes": 2, "charge_kg": 5.0}, pinholes_per_m2=2.0, cluster_shape=shape,
            pinhole_limit_mm=100.0,
        )  # fmt: skip
        free, charge = lot.columns["pinholes"] == 0, lot.columns["charge"].astype(int)
        n = np.bincount(charge)
        shares += (np.bincount(charge, weights=free) / n)[n > 20].tolist()
        means += (np.bincount(charge, weights=lot.columns["pinholes"]) / n)[n > 20].tolist()
    mean = 2.0 * 0.4488 * 0.95 / float(charges.columns["film_strength_mpa"][0])
    expected = (1.0 + mean / shape) ** -shape
    assert abs(expected - math.exp(-mean)) > 0.04
    assert np.mean(shares) == pytest.approx(expected, abs=4 * np.std(shares) / math.sqrt(len(shares)))
    # Variance of a charge's mean: that of the Gamma factor, mean^2 / shape (and a little Poisson noise).
    assert np.std(means) == pytest.approx(mean / math.sqrt(shape), rel=0.15)


def test_metal_particles_have_their_size_and_the_large_ones_are_seen(electrode):
    # 20 rolls x 12 000 segments at 0.02 per m2; those seen: ln size + ln error above ln(d50 / median). z-limit 4.
    logs = []
    particles = seen = total = 0
    for ordinal in range(20):
        lot, _, _ = _web(
            electrode, ordinal, metal_per_m2=0.02, cluster_shape=1e6, metal_median_um=100.0, metal_spread_ln=0.5,
            metal_seen_um=150.0, camera_spread_ln=0.5,
        )  # fmt: skip
        here = lot.columns["metal_um"] > 0.0
        particles += np.count_nonzero(here)
        logs.append(np.log(lot.columns["metal_um"][here].astype(float) / 100.0))
        seen += int((lot.exit_code == dry_film.FOREIGN).sum())
        total += lot.n
    expected = total * -math.expm1(-0.02 * 0.4488)
    assert np.concatenate(logs).std() == pytest.approx(0.5, rel=4 / math.sqrt(2 * particles))
    assert particles == pytest.approx(expected, abs=4 * math.sqrt(expected))
    share = 1.0 - NormalDist().cdf(math.log(1.5) / math.hypot(0.5, 0.5))
    assert seen / particles == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / particles) + 0.01)


def test_peel_is_the_weakest_patch_of_the_electrode(electrode):
    # The weakest of 4 488 lognormal patches; quantiles of 12 000 segments against the exact order statistic.
    lot, charges, _ = _web(electrode, peel_n_per_m=20.0, peel_patch_cv=0.12, peel_limit_n_per_m=0.0)
    mean = 20.0 * float(charges.columns["fibrillation"][0])
    cv = float(charges.columns["binder_cv"][0])
    sigma = math.sqrt(math.log1p(0.12**2) + math.log1p((1.2 * cv) ** 2))
    normal = NormalDist()
    peel = np.sort(lot.columns["peel_n_per_m"])
    for share in (0.05, 0.5, 0.95):
        z = normal.inv_cdf(-math.expm1(math.log1p(-share) / 4488.0))
        rank = np.searchsorted(peel, mean * math.exp(sigma * z - 0.5 * sigma**2)) / peel.size
        assert rank == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / peel.size))


def test_delaminated_segments_are_seen_with_the_stated_share(electrode):
    lot, _, _ = _web(electrode, peel_patch_cv=0.3, peel_n_per_m=15.0, blister_seen_share=0.9)
    weak = lot.columns["peel_n_per_m"] < 5.0
    seen = lot.exit_code == dry_film.BLISTER
    assert weak.sum() > 2000
    assert not (seen & ~weak).any()
    assert seen.sum() / weak.sum() == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / weak.sum()))
