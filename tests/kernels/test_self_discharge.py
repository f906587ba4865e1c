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
    self_discharge.sort_columns(grid)
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
        chemical_mv_per_d=0.03, chemical_log_sd=0.22, short_mv_ah_per_d=70_000.0, grown_d=8.0, noise_mv_per_d=0.02,
        sigmas=4.0,
    )  # fmt: skip
    z = rng.standard_normal((2, n)).astype(np.float32)
    capacity = rng.uniform(20.0, 25.0, n).astype(np.float32)
    siemens = np.where(rng.random(n) < 0.2, 10.0 ** rng.uniform(-6.0, -2.0, n), 0.0).astype(np.float32)
    delay = np.where(rng.random(n) < 0.5, 12.0, 3.0).astype(np.float32)
    came = rng.random(n) < 0.9
    position = np.where(came, np.cumsum(came) - 1, -1).astype(np.int32)
    k_true, k_read, reason = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.uint8)
    found = self_discharge.rest_cells(law, z, capacity, siemens, delay, position, 64, came, k_true, k_read, reason)
    grown = (siemens > 0) & (delay <= 8.0)
    true = 0.03 * np.exp(0.22 * z[0].astype(float)) + np.where(grown, 70_000.0 * siemens.astype(float) / capacity, 0.0)
    np.testing.assert_allclose(k_true, true, rtol=2e-6)
    np.testing.assert_allclose(k_read, true + 0.02 * z[1], rtol=1e-5, atol=1e-7)
    high = came & (k_read > limits(k_read, position, 64, came))
    np.testing.assert_array_equal(reason, high)
    shorted = (siemens > 0) & came
    expected = (
        (shorted & grown & high).sum(), (shorted & grown & ~high).sum(), (shorted & ~grown & ~high).sum(),
        (high & ~(shorted & grown)).sum(),
    )  # fmt: skip
    assert tuple(found) == expected
    assert min(expected[:3]) > 0
