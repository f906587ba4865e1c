from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels.random import stream_key
from cellfab.kernels.random_blocks import fill_blocks, normal_pairs
from cellfab.kernels.wetting import SoakLaw, soak
from cellfab.kernels.wetting_theory import pore_volume_cm3, wetting_time_s

KEY = stream_key(1, 0, "wetting")
LAW = SoakLaw(median_share=0.8, log_gsd=0.25, cathode_porosity=0.25, anode_porosity=0.3)
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")


def soaked(law: SoakLaw, n: int, porosity: tuple[float, float] = (0.25, 0.3), filling: float = 2.0) -> np.ndarray:
    cathode, anode, share = (np.full(n, value, np.float32) for value in (*porosity, filling))
    dry = np.empty(n, np.float32)
    soak(law, KEY, 7, cathode, anode, share, dry)
    return dry


def numbers(n: int) -> np.ndarray:
    words, z = np.empty((4, n // 4), np.uint32), np.empty((4, n // 4), np.float32)
    fill_blocks(KEY, 7, 0, 0, words)
    normal_pairs(words[0], words[1], 0, z[0], z[1])
    normal_pairs(words[2], words[3], 0, z[2], z[3])
    return z.T.ravel()


def test_wetting_times_of_46xx_and_large_prismatic_cells() -> None:
    tabless = wetting_time_s(33e-3, 2.5e-8, 0.5, 1.0) / 3600.0
    assert tabless == pytest.approx(12.1, abs=0.05)
    assert wetting_time_s(33e-3, 2.5e-8, 0.5, 2.0) == pytest.approx(0.5 * 3600.0 * tabless)
    # Half a 46xx roll and half a 314 Ah prismatic one: about seven times as long.
    assert wetting_time_s(87e-3, 1.0, 1.0, 1.0) / wetting_time_s(33e-3, 1.0, 1.0, 1.0) == pytest.approx(6.95, abs=0.01)


def test_the_time_is_that_of_a_front_integrated_over_the_distance() -> None:
    # Darcy's law behind a front, dx/dt = D / x, by 100 000 steps of x.
    x = (np.arange(100_000) + 0.5) * 33e-3 / 100_000
    numeric = np.sum(x / (2.5e-8 * 0.5 * 2.0)) * 33e-3 / 100_000
    assert wetting_time_s(33e-3, 2.5e-8, 0.5, 2.0) == pytest.approx(numeric, rel=1e-6)


def test_pores_of_a_coating() -> None:
    # 0.5 m2 of 80 um: 40 cm3, a quarter of it open.
    assert pore_volume_cm3(0.5, 80.0, 0.25) == pytest.approx(10.0)


def test_soaking_follows_the_tighter_electrode_and_the_electrolyte_cell_by_cell() -> None:
    n = 800
    cathode, anode, filling = np.random.default_rng(1).uniform(0.2, 0.4, (3, n)).astype(np.float32)
    filling += np.float32(0.7)
    found = np.empty(n, np.float32)
    soak(LAW, KEY, 7, cathode, anode, filling, found)
    share = 0.8 * np.exp(0.25 * numbers(n)) * np.minimum(cathode / 0.25, anode / 0.3)
    unreached, unfilled = 1.0 - np.sqrt(share), 1.0 - filling
    np.testing.assert_allclose(found, np.maximum(np.maximum(unreached, unfilled), 0.0), atol=2e-5)
    assert 0 < (found == 0.0).sum() < n
    assert 0 < (unfilled > np.maximum(unreached, 0.0)).sum() < n


def test_a_longer_lot_deals_its_first_cells_the_same_numbers() -> None:
    np.testing.assert_array_equal(soaked(LAW, 37), soaked(LAW, 900)[:37])


@pytest.mark.parametrize(("share", "dry"), [(0.0, 1.0), (0.25, 0.5), (1.0, 0.0), (4.0, 0.0)])
def test_the_front_has_gone_half_way_after_a_quarter_of_the_time(share: float, dry: float) -> None:
    assert soaked(LAW._replace(median_share=share, log_gsd=0.0), 3)[0] == pytest.approx(dry, abs=1e-6)


@many_cells
@pytest.mark.parametrize("hours_over_median", [0.7, 1.0, 1.5])
def test_share_of_wet_cells_is_lognormal_in_time(hours_over_median: float) -> None:
    # 400 000 cells: z = 4.5.
    n = 400_000
    wet = (soaked(LAW._replace(median_share=hours_over_median), n) == 0.0).mean()
    share = stats.norm.cdf(math.log(hours_over_median) / 0.25)
    assert abs(wet - share) < 4.5 * math.sqrt(share * (1.0 - share) / n)


@pytest.mark.parametrize(
    ("porosity", "filling"), [((math.nan, 0.3), 2.0), ((0.25, math.nan), 2.0), ((0.25, 0.3), math.nan)]
)
def test_a_number_that_is_none_does_not_vanish(porosity: tuple[float, float], filling: float) -> None:
    assert np.isnan(soaked(LAW, 9, porosity, filling)).all()
