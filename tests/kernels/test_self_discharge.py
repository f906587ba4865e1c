from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import self_discharge, self_discharge_theory

# mV/day from the short alone at 100 Ohm, 1, 10 and 100 kOhm, as many digits as printed: what a test is designed with.
K_TABLE = {
    "NMC 23 Ah": (23.0, 3.7, 8.0, "31 3.1 0.31 0.03"),
    "LFP 23 Ah, low charge": (23.0, 3.15, 6.0, "20 2.0 0.20 0.02"),
    "LFP 146 Ah, low charge": (146.0, 3.15, 6.0, "3.1 0.31 0.031 0.003"),
    "LFP 314 Ah, 8 %": (314.0, 3.15, 6.0, "1.4 0.14 0.014 0.001"),
    "LFP 314 Ah, plateau": (314.0, 3.3, 0.3, "0.076 0.008"),
    "NFPP 160 Ah": (160.0, 2.9, 8.0, "3.5 0.35 0.035 0.003"),
}


@pytest.mark.parametrize("cell", K_TABLE)
def test_k_values_of_soft_shorts(cell: str) -> None:
    capacity_ah, volt, slope, printed = K_TABLE[cell]
    for ohm, text in zip((100.0, 1e3, 1e4, 1e5), printed.split(), strict=False):
        found = self_discharge_theory.k_value_mv_per_d(volt / ohm, capacity_ah, slope)
        assert found == pytest.approx(float(text), abs=0.5 * 10.0 ** -len(text.partition(".")[2]))


def test_the_plateau_hides_a_short_that_low_charge_shows() -> None:
    noise = self_discharge_theory.reading_noise_mv_per_d(0.10, 0.075, 7.0)
    assert noise == pytest.approx(0.0253, abs=0.001)
    low = self_discharge_theory.detectable_ohm(3.15, 314.0, 6.0, 5.0 * noise)
    plateau = self_discharge_theory.detectable_ohm(3.3, 314.0, 0.3, 5.0 * noise)
    assert 1000.0 < low < 1300.0
    assert plateau < 70.0


def test_settling_factor_is_the_mean_of_the_decay() -> None:
    days = np.linspace(3.0, 13.0, 200_001)
    mean = np.trapezoid(1.0 + 3.0 * np.exp(-days / 2.0), days) / 10.0
    assert self_discharge_theory.settling_factor(3.0, 13.0, 3.0, 2.0) == pytest.approx(mean, rel=1e-8)


def test_arrhenius_factor_of_the_measured_currents() -> None:
    assert self_discharge_theory.arrhenius_factor(50.0, 20.0, 0.40) == pytest.approx(620.0 / 142.0, rel=0.02)


def limits(values: np.ndarray, position: np.ndarray, cells_per_tray: int, came: np.ndarray | None = None) -> np.ndarray:
    out = np.empty(values.size, np.float32)
    present = np.ones(values.size, np.bool_) if came is None else came
    self_discharge.tray_limits(values.astype(np.float32), position.astype(np.int32), cells_per_tray, present, 4.0, out)
    return out


def robust(values: np.ndarray) -> float:
    """Median plus four robust standard deviations."""
    middle = np.median(values)
    return float(middle + 4.0 * 1.4826 * np.median(np.abs(values - middle)))


@pytest.mark.parametrize("cells_per_tray", [64, 24, 17])
@pytest.mark.parametrize("shuffled", [False, True])
def test_tray_limits_equal_the_slow_twin(cells_per_tray: int, shuffled: bool) -> None:
    rng = np.random.default_rng(2)
    position = np.flatnonzero(rng.random(1000) < 0.9)
    if shuffled:
        rng.shuffle(position)
    values = rng.normal(1.0, 0.1, position.size)
    values[::50] += 3.0
    came = rng.random(position.size) < 0.9
    found = limits(values, np.where(came | (position % 3 > 0), position, -1), cells_per_tray, came)
    expected = np.full(values.size, np.inf)
    trays = position // cells_per_tray
    full = []
    for tray in np.unique(trays):
        inside = came & (trays == tray)
        if inside.sum() >= self_discharge.FEWEST:
            expected[inside] = robust(values[inside])
            full.append(robust(values[inside]))
    few = came & np.isinf(expected)
    expected[few] = np.mean(full)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.isinf(found[~came]).all()


def test_a_nearly_empty_tray_borrows_the_mean_limit_of_the_others() -> None:
    values = np.random.default_rng(3).normal(1.0, 0.1, 131)
    found = limits(values, np.arange(131), 64)
    full = [robust(values[:64]), robust(values[64:128])]
    np.testing.assert_allclose(found[[0, 64]], full, rtol=1e-5)
    np.testing.assert_allclose(found[128:], np.mean(full), rtol=1e-5)
    assert not math.isclose(full[0], full[1], rel_tol=1e-3)


@pytest.mark.parametrize(("cells", "cells_per_tray"), [(40, 4), (5, 64), (1, 1)])
def test_where_no_tray_can_judge_itself_the_lot_is_one(cells: int, cells_per_tray: int) -> None:
    values = np.random.default_rng(4).normal(1.0, 0.1, cells)
    np.testing.assert_allclose(limits(values, np.arange(cells), cells_per_tray), robust(values), rtol=1e-5)


def test_no_cells_have_no_limits() -> None:
    assert limits(np.empty(0), np.empty(0), 64).size == 0
    assert np.isinf(limits(np.ones(3), np.full(3, -1), 64, np.zeros(3, np.bool_))).all()


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 16, 63, 64, 100])
def test_columns_are_sorted_whatever_their_length(rows: int) -> None:
    grid = np.random.default_rng(rows).normal(size=(rows, 5)).astype(np.float32)
    grid[rows // 2 :, 0] = np.inf
    expected = np.sort(grid, axis=0)
    self_discharge.sort_columns(grid.reshape(-1), rows)
    np.testing.assert_array_equal(grid, expected)


@pytest.mark.parametrize("log_sd", [0.0, 0.22, 1.5, 12.0])
def test_lognormal_numbers_equal_the_library(log_sd: float) -> None:
    z = np.linspace(-6.3, 6.3, 1001, dtype=np.float32)
    out = np.empty_like(z)
    self_discharge.fill_lognormal(z, 2.5, log_sd, out)
    # The exponent itself is rounded to float32: 1e-7 of up to 75.
    np.testing.assert_allclose(out, 2.5 * np.exp(log_sd * z.astype(np.float64)), rtol=1e-6 * max(1.0, 5.0 * log_sd))


def test_rest_and_test_equal_the_slow_twin() -> None:
    rng = np.random.default_rng(5)
    n = 300
    law = self_discharge.RestLaw(
        chemical=0.03, chemical_log_sd=0.22, per_siemens_ah=70_000.0, grown_d=8.0, noise=0.02, sigmas=4.0
    )
    z, z_reading = rng.standard_normal((2, n)).astype(np.float32)
    capacity = rng.uniform(20.0, 25.0, n).astype(np.float32)
    siemens = np.where(rng.random(n) < 0.2, 10.0 ** rng.uniform(-6.0, -2.0, n), 0.0).astype(np.float32)
    delay = np.where(rng.random(n) < 0.5, 12.0, 3.0).astype(np.float32)
    came = rng.random(n) < 0.9
    position = np.where(came, np.cumsum(came) - 1, -1).astype(np.int32)
    true, read, high = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.uint8)
    self_discharge.rest_cells(law, z, z_reading, capacity, siemens, delay, position, 64, came, true, read, high)
    grown = (siemens > 0) & (delay <= 8.0)
    slow = 0.03 * np.exp(0.22 * z.astype(float)) + np.where(grown, 70_000.0 * siemens.astype(float) / capacity, 0.0)
    np.testing.assert_allclose(true, slow, rtol=2e-6)
    np.testing.assert_allclose(read, slow + 0.02 * z_reading, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(high, came & (read > limits(read, position, 64, came)))
    assert 0 < high.sum() < n


def test_shorts_are_counted_by_who_sees_them() -> None:
    # Conducting, dormant or none, each rejected by the first test, by the second, by none; then one that did not come.
    siemens = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 1], np.float32)
    delay = np.array([0, 3, 8, 9, 9, 9, 0, 0, 0, 0], np.float32)
    reason = np.array([1, 2, 0, 1, 2, 0, 1, 2, 0, 0], np.uint8)
    came = np.arange(10) < 9
    code = np.where(came, 0, 7).astype(np.int16)
    found = self_discharge.count_shorts(siemens, delay, 8.0, came, reason, np.array([31, 32], np.int16), code)
    assert tuple(found) == (2, 1, 1, 2, 2, 3, 3)
    assert code.tolist() == [31, 32, 0, 31, 32, 0, 31, 32, 0, 7]


def test_leakage_current_of_a_large_cell_shows_a_short_of_5_kohm() -> None:
    # 314 Ah at 1.4 uA/Ah are 440 uA; four sigma of a lognormal law with GSD 1.25 lie 630 uA above.
    chemical_a = 314.0 * 1.4e-6
    margin_a = chemical_a * (1.25**4 - 1.0)
    assert margin_a == pytest.approx(630e-6, rel=0.02)
    assert self_discharge_theory.leakage_detectable_ohm(3.15, margin_a) == pytest.approx(5000.0, rel=0.02)


def test_robust_spread_of_a_lognormal_law() -> None:
    # 200 000 numbers: quantiles to z = 4.5 (about 0.7 % of the spread).
    numbers = 440.0 * np.exp(math.log(1.25) * np.random.default_rng(9).standard_normal(200_000))
    low, high = np.quantile(numbers, [0.158655, 0.841345])
    assert self_discharge_theory.lognormal_spread(440.0, 1.25) == pytest.approx(0.5 * (high - low), rel=0.01)
    deviation = 1.4826 * np.median(np.abs(numbers - np.median(numbers)))
    assert self_discharge_theory.lognormal_spread(440.0, 1.25) == pytest.approx(deviation, rel=0.03)


def test_the_slope_that_a_test_needs() -> None:
    short, spread, noise, sigmas = 0.025, 0.001, 0.026, 4.0
    slope = self_discharge_theory.slope_to_see(short, spread, noise, sigmas)
    assert slope * short == pytest.approx(sigmas * math.hypot(noise, slope * spread), rel=1e-12)
    assert math.isinf(self_discharge_theory.slope_to_see(short, short / sigmas, noise, sigmas))
