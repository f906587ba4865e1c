from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import drying


def test_time_constant_goes_with_the_square_of_width_and_halves_when_warmer():
    def tau(width, temperature):
        return drying.drying_time_constant_h(width, temperature, 4.0, 0.1, 110.0, 20.0)

    assert tau(0.1, 110.0) == 4.0
    assert tau(0.2, 110.0) == pytest.approx(16.0)
    assert tau(0.1, 130.0) == pytest.approx(2.0)
    assert tau(0.1, 90.0) == pytest.approx(8.0)


def test_moisture_decays_to_equilibrium():
    start = np.array([1500.0, 150.0])
    assert drying.moisture_ppm(start, 150.0, 0.0, 4.0) == pytest.approx(start)
    assert drying.moisture_ppm(start, 150.0, 4.0, 4.0) == pytest.approx([150.0 + 1350.0 / math.e, 150.0])
    assert drying.moisture_ppm(start, 150.0, 1e4, 4.0) == pytest.approx([150.0, 150.0])


def test_edge_diffusion_is_the_leading_term_of_fick():
    # A slab drying from both edges: mean moisture = 8 / pi^2 sum over odd k of exp(-k^2 pi^2 D t / b^2) / k^2. Its
    # decay rate at late times is that of one exponential with tau proportional to b^2.
    diffusivity, late = 1.0, np.array([0.5, 0.6])
    odd = np.arange(1, 200, 2)
    for width in (1.0, 1.4):
        mean = [(8 / np.pi**2 / odd**2 * np.exp(-(odd**2) * np.pi**2 * diffusivity * t / width**2)).sum() for t in late]
        tau = drying.drying_time_constant_h(width, 110.0, 1 / np.pi**2, 1.0, 110.0, 20.0)
        assert 0.1 / math.log(mean[0] / mean[1]) == pytest.approx(tau, rel=1e-3)
