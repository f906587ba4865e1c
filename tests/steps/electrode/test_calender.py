from __future__ import annotations

import math
from statistics import NormalDist

import numba
import numpy as np
import pytest

from cellfab.errors import ConfigError
from cellfab.kernels.web_field import mean_variance_factor
from cellfab.steps import calender
from cellfab.steps.calender import Calender

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many segments for interpreted kernels")


def _pressed(electrode, ordinal=0, side="cathode", chemistry="nmc811", film=None, dose=None, **params):
    steps = electrode.chain(
        side, chemistry, quiet=True, calender=params, dry_film=film or {}, dose={"roll_length_m": 350.0, **(dose or {})}
    )[:4]
    return electrode.run(steps, ordinal)


def test_gap_mode_holds_thickness_and_porosity_follows_the_loading(electrode):
    lot = _pressed(electrode, film={"drift_loading_cv": 0.01})
    nominal = 2 * 10 * 25.5 / 3.45 + 13.0
    assert lot.columns["thickness_um"] == pytest.approx(np.full(lot.n, nominal), rel=1e-6)
    loading = lot.columns["loading_mg_per_cm2"]
    assert loading.std() > 0.1
    assert lot.columns["porosity"] == pytest.approx(1 - 10 * loading / (10 * 25.5 / 3.45 * 4.53), abs=1e-5)


def test_force_mode_holds_porosity_and_thickness_follows_the_loading(electrode):
    lot = _pressed(electrode, mode="force", film={"drift_loading_cv": 0.01}, thickness_tolerance_um=50.0)
    assert lot.columns["porosity"] == pytest.approx(np.full(lot.n, 1 - 3.45 / 4.53), abs=1e-5)
    loading = lot.columns["loading_mg_per_cm2"]
    assert lot.columns["thickness_um"] == pytest.approx(2 * 10 * loading / 3.45 + 13.0, rel=1e-5)


def test_line_load_is_meyers(electrode):
    lot = _pressed(electrode)
    porosity = 1 - 3.45 / 4.53
    assert lot.attributes["line_load_n_per_mm"] == pytest.approx(380 * math.log(0.25 / (porosity - 0.17)))


def test_thickness_is_the_sum_of_roll_lane_and_gap(electrode):
    lot = _pressed(electrode, roll_thickness_um=0.5, lane_thickness_um=0.4, thickness_tolerance_um=1.0)
    draws = electrode.draws(electrode.step(Calender))
    error = 0.5 * draws.normal("roll", lot, 1)[0] + 0.4 * np.repeat(draws.normal("lane", lot, 14), lot.n // 14)
    assert lot.columns["thickness_um"] == pytest.approx(2 * 10 * 25.5 / 3.45 + 13.0 + error, abs=1e-3)
    assert np.array_equal(lot.exit_code == calender.OFF_THICKNESS, np.abs(error) > 1.0)


def test_thickness_rejects_follow_the_gaussian_sum(electrode):
    # Gap noise far shorter than a segment and the gauge's error: 200 rolls x 857 independent positions, z-limit 4.
    share = []
    for ordinal in range(200):
        lot = _pressed(
            electrode, ordinal, dose={"lanes": 1, "roll_length_m": 3000.0}, gap_noise_um=8.0, gap_length_m=0.02,
            gauge_um=0.5, thickness_tolerance_um=1.0,
        )  # fmt: skip
        share.append((lot.exit_code == calender.OFF_THICKNESS).mean())
    sigma = math.hypot(0.5, 8.0 * math.sqrt(mean_variance_factor(3.4, 0.02)))
    expected = 2 * NormalDist().cdf(-1.0 / sigma)
    assert np.mean(share) == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / (200 * 857)))


def test_wrinkles_take_a_stretch_of_all_lanes(electrode):
    draws = electrode.draws(electrode.step(Calender))
    hit = 0
    for ordinal in range(60):
        lot = _pressed(electrode, ordinal, dose={"lanes": 2}, wrinkle_probability=0.5, wrinkle_m=50.0)
        happens, where, how_long = draws.uniform("wrinkle", lot, 3).astype(float)
        first = where * 340.0
        last = first - 50.0 * math.log(how_long)
        expected = [happens < 0.5 and i * 3.4 < last and (i + 1) * 3.4 > first for i in range(100)]
        out = np.zeros(200, bool) if lot.exit_code is None else lot.exit_code == calender.WRINKLE
        assert out.tolist() == expected * 2
        hit += happens < 0.5
    assert 15 < hit < 45


def test_film_denser_than_the_design_is_refused(electrode):
    with pytest.raises(ConfigError, match=r"calender, cathode: porosity 0\.238 cannot be reached"):
        _pressed(electrode, film={"film_porosity": 0.2})


def test_too_weak_a_machine_is_refused(electrode):
    with pytest.raises(ConfigError, match=r"needs .* N/mm, more than the machine's 300"):
        _pressed(electrode, line_load_limit_n_per_mm=300.0)


def test_over_pressed_lfp_is_told_from_nmc_by_parameters_only(electrode):
    lfp = _pressed(electrode, chemistry="lfp", porosity_least_fraction=0.24, compaction_n_per_mm=500.0)
    assert lfp.columns["porosity"] == pytest.approx(np.full(lfp.n, 1 - 2.5 / 3.5), abs=1e-4)
