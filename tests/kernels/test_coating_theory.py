from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels.coating_theory import (
    DryingRecipe,
    binder_at,
    crack_probability,
    drying_rate_g_per_m2_s,
    fastest_m_per_min,
    interface_share,
    layer_um,
    peclet,
    peclet_at,
    solvent_g_per_m2,
    streak_share,
    weakest_of,
)
from cellfab.kernels.film import weak_patches

NMC = DryingRecipe(25.5, 4.53, 0.5, 0.72, 1.028, 1e-10, 55.0)


def _convection_diffusion(pe: float, cells: int = 400) -> np.ndarray:
    """Steady state of c' = -(Pe c - c')' on 0-1 with closed ends, by finite volumes; mean 1.

    Flux through the face between two cells: Pe x mean of both - difference / width, which is 0 everywhere in the
    steady state. Solved as a linear system with the mean given in place of one balance.
    """
    width = 1.0 / cells
    balance = np.zeros((cells, cells))
    for face in range(cells - 1):
        left, right = 0.5 * pe + 1.0 / width, 0.5 * pe - 1.0 / width
        balance[face, face : face + 2] -= (left, right)
        balance[face + 1, face : face + 2] += (left, right)
    balance[-1] = width
    return np.linalg.solve(balance, np.eye(cells)[-1])


@pytest.mark.parametrize("pe", [0.01, 0.2, 1.0, 2.0, 5.0, 12.0])
def test_binder_profile_is_the_steady_state_of_convection_and_diffusion(pe):
    # Second order in the width of a cell: 400 cells leave (Pe / 400)^2 / 12 < 1e-4 relative error per unit of Pe.
    numerical = _convection_diffusion(pe)
    heights = (np.arange(numerical.size) + 0.5) / numerical.size
    assert numerical == pytest.approx([binder_at(x, pe) for x in heights], rel=2e-3)


@pytest.mark.parametrize("pe", [0.0, 1e-12, 1e-4, 0.5, 3.0, 40.0, 900.0])
def test_the_profile_holds_all_the_binder(pe):
    # Integral from 0 to 1 of the exponential, in closed form from its two ends.
    assert binder_at(1.0, pe) - binder_at(0.0, pe) == pytest.approx(pe, rel=1e-9, abs=1e-9)
    assert 0.0 <= interface_share(pe) <= 1.0


@pytest.mark.parametrize(("pe", "share"), [(0.2, 0.90), (0.5, 0.77), (1.0, 0.58), (2.0, 0.31)])
def test_interface_share_of_known_peclet_numbers(pe, share):
    assert interface_share(pe) == pytest.approx(share, abs=0.005)
    assert peclet_at(interface_share(pe)) == pytest.approx(pe, rel=1e-9)


def test_peclet_number_of_a_usual_film_is_one():
    # 1 g/m2/s, 100 um, 1e-10 m2/s and the density of NMP: v h / D = (1e-3 / 1028) x 1e-4 / 1e-10.
    assert peclet(1.0, 100.0, 1.028, 1e-10) == pytest.approx(0.9728, rel=1e-4)


@pytest.mark.parametrize(
    ("loading", "solids", "grams"), [(25.5, 0.72, 99.2), (18.5, 0.60, 123.3), (15.4, 0.50, 154.0), (8.6, 0.5, 86.0)]
)
def test_solvent_per_area(loading, solids, grams):
    assert solvent_g_per_m2(loading, solids) == pytest.approx(grams, rel=1e-3)


def test_speed_and_rate_belong_together():
    # NMC: 50 m/min and 55 m of dryer need 1.5 g/m2/s; the anode of the same cell at 60 m/min 110 m for 1.4.
    assert drying_rate_g_per_m2_s(50.0, 99.2, 55.0) == pytest.approx(1.503, rel=1e-3)
    assert drying_rate_g_per_m2_s(60.0, 154.0, 110.0) == pytest.approx(1.4, rel=1e-9)
    for speed in (1.0, 33.0, 80.0):
        assert fastest_m_per_min(NMC.rate_g_per_m2_s(speed), NMC.solvent_g_per_m2, 55.0) == pytest.approx(speed)
    # Half the solids' share of dryness: a loading twice as heavy halves the speed.
    double = DryingRecipe(51.0, 4.53, 0.5, 0.72, 1.028, 1e-10, 55.0)
    assert double.speed_m_per_min(1.5) == pytest.approx(NMC.speed_m_per_min(1.5) / 2.0)


def test_layer_is_as_thick_as_its_mass():
    assert layer_um(25.5, 4.53, 0.5) == pytest.approx(25.5e-2 / (4530.0 * 0.5) * 1e6)


def test_adhesion_limits_the_speed_at_the_limit():
    for exponent in (0.7, 1.0, 1.5):
        speed = NMC.adhesion_limited_m_per_min(40.0, 10.0, exponent)
        assert 40.0 * NMC.peel_share(NMC.rate_g_per_m2_s(speed), exponent) == pytest.approx(10.0, rel=1e-6)
    assert NMC.adhesion_limited_m_per_min(9.0, 10.0, 1.0) == 0.0
    assert math.isinf(NMC.adhesion_limited_m_per_min(9.0, 0.0, 1.0))
    assert math.isinf(NMC.adhesion_limited_m_per_min(11.0, 10.0, 0.0))


@pytest.mark.parametrize("spread", [0.12, 0.25])
def test_weakest_patch_is_near_the_median_of_the_minimum(spread):
    # The leading term undershoots the exact median of the minimum of 4500 patches, by less than 0.6 sigma.
    estimate = weakest_of(20.0, spread, 4500.0)
    assert weak_patches(estimate, 20.0, spread, 4500.0) < math.log(2.0)
    assert weak_patches(estimate * math.exp(0.6 * spread), 20.0, spread, 4500.0) > math.log(2.0)
    assert weakest_of(20.0, spread, 1.0) == 20.0


def test_cracks_come_at_the_limit():
    assert crack_probability(35.0, 35.0, 0.03) == 0.5
    # Odds grow e-fold per width.
    assert crack_probability(35.0 * 0.97, 35.0, 0.03) == pytest.approx(1.0 / (1.0 + math.e))
    assert crack_probability(1.0, 35.0, 0.001) == pytest.approx(0.0, abs=1e-300)


def test_streaks_are_the_tail_of_the_lumps():
    assert streak_share(200.0, 200.0, 0.6) == pytest.approx(0.5)
    assert streak_share(200.0 * math.exp(-0.6), 200.0, 0.6) == pytest.approx(0.158655, rel=1e-5)
