from __future__ import annotations

import math
from statistics import NormalDist

import numba
import numpy as np
import pytest

from cellfab.steps import slit

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many segments for interpreted kernels")


def _slit(electrode, ordinal=0, side="cathode", dose=None, **params):
    steps = electrode.chain(side, quiet=True, slit=params, dose={"roll_length_m": 350.0, **(dose or {})})[:5]
    return electrode.run(steps, ordinal)


def test_edge_strips_fall_off(electrode):
    lot = _slit(electrode)
    facts = lot.attributes
    coated = lot.n * 25.5e-2 * 2 * 3.4 * 0.066
    assert facts["kg_good"] == pytest.approx(coated, rel=1e-5)
    assert facts["kg_strip"] == 0.0
    assert facts["kg_in"] == pytest.approx(facts["kg_good"] + facts["kg_scrap"] + facts["kg_returned"])


def test_width_is_lane_and_noise_and_is_read_with_error(electrode):
    lot = _slit(electrode, lane_width_sd_mm=0.05, width_noise_sd_mm=0.02, width_gauge_sd_mm=0.03)
    draws = electrode.draws(electrode.step(slit.Slit))
    offset = 0.05 * np.repeat(draws.normal("lane", lot, 14), lot.n // 14) + 0.02 * draws.normal("width", lot)
    assert lot.columns["width_mm"] == pytest.approx(66.0 + offset, abs=1e-5)
    read = np.abs(offset + 0.03 * draws.normal("width_gauge", lot))
    clear = np.abs(read - 0.1) > 1e-5
    assert np.array_equal((lot.exit_code == slit.OFF_WIDTH)[clear], read[clear] > 0.1)
    true = np.abs(offset) > 0.1
    assert (true & (read < 0.1)).any()
    assert (~true & (read > 0.1)).any()


def test_burrs_are_the_highest_of_poisson_peaks_on_worn_knives(electrode):
    # Fresh and worn knives; P(no burr above x) = exp(-peaks (1 - F(x))), 30 rolls x 1 400 segments; z-limit 4.
    for first, wear in ((0, 1.0), (2_300, 1.0 + (2_300 * 340.0 / 1e3 % 500 / 500) ** 1.5)):
        lots = [
            _slit(electrode, i, burr_peaks_per_km=340.0, burr_limit_um=200.0, knife_wear_exponent=1.5)
            for i in range(first, first + 30)
        ]
        planned = lots[0].attributes["planned_m"]
        ages = np.array([(i * planned / 1e3) % 500.0 for i in range(first, first + 30)])
        for height in (4.0, 6.0, 8.0):
            below = np.mean([(lot.columns["burr_um"] < height).mean() for lot in lots])
            medians = 3.0 * (1.0 + ((ages[:, None] + np.linspace(0, planned / 1e3, 20)) / 500.0) ** 1.5)
            above = 1 - np.vectorize(NormalDist().cdf)(np.log(height / medians) / 0.35)
            expected = np.exp(-340.0 * 6.8e-3 * above).mean()
            assert below == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 42_000) + 1e-4)
        assert medians.mean() / 3.0 == pytest.approx(wear, rel=0.05)


def test_default_burrs_average_to_the_stated_rate_over_a_knife_life(electrode):
    # 34 and 340 peaks per km of edge should leave 0.5 and 5 burrs per km above 10 um.
    age = np.linspace(0.0, 500.0, 2001)
    above = 1 - np.vectorize(NormalDist().cdf)(np.log(10.0 / (3.0 * (1 + (age / 500.0) ** 1.5))) / 0.35)
    peaks = slit.Slit.Params().burr_peaks_per_km
    assert peaks.mature * above.mean() == pytest.approx(0.5, rel=0.03)
    assert peaks.start * above.mean() == pytest.approx(5.0, rel=0.03)


def test_burr_is_read_with_error(electrode):
    lot = _slit(electrode, 1000, burr_peaks_per_km=3000.0, burr_gauge_spread_ln=0.15)
    high = lot.columns["burr_um"] > 10.0
    out = lot.exit_code == slit.HIGH_BURR
    assert (high & ~out).any()
    assert (out & ~high).any()
