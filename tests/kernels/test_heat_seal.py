"""Heat seals: temperature of the interface, the safe window, and how often a seal is outside it."""

from __future__ import annotations

import math
from statistics import NormalDist

import numba
import numpy as np
import pytest

from cellfab.kernels import heat_seal_theory as theory
from cellfab.kernels.heat_seal import MOST_DECADES, SealLaw, seal
from cellfab.kernels.random import fill_normal, stream_key

KEYS = np.array([stream_key(1, 0, "pouch", name) for name in ("bar", "channel")], np.uint64)
N = 2000 if numba.config.DISABLE_JIT else 40_000  # as many as interpreted kernels manage
LAW = SealLaw(
    mean_c=170.0, sd_c=3.0, low_c=165.0, high_c=176.0, decades_per_k=0.5, sites=0.0, decades=1.5
)  # fmt: skip


def exact_share(fourier: float) -> float:
    """Unheated share in the middle of a slab heated from one side, by the whole series."""
    terms = range(200)
    return sum(
        4.0 / math.pi * (-1.0) ** k / (2 * k + 1) * math.exp(-((2 * k + 1) ** 2) * math.pi**2 * fourier / 4.0)
        for k in terms
    )


@pytest.mark.parametrize("seal_s", [0.1, 0.2, 0.5, 3.0])
def test_the_interface_warms_up_like_a_slab(seal_s: float) -> None:
    fourier = 1e-7 * seal_s / 150e-6**2
    expected = 190.0 - 165.0 * exact_share(fourier)
    assert theory.interface_c(190.0, seal_s, 150.0, 1e-7) == pytest.approx(expected, abs=0.2)


def test_it_is_never_colder_than_the_room() -> None:
    assert theory.interface_c(190.0, 1e-3, 150.0, 1e-7) == theory.ROOM_C


def test_the_window_is_where_a_seal_has_the_least_strength() -> None:
    def strength_share(at_c: float) -> float:
        joined = 1.0 / (1.0 + math.exp(-(at_c - 163.0) / 3.0))
        return joined / (1.0 + math.exp((at_c - 225.0) / 4.0))  # what is left unsqueezed

    low, high = theory.window_c(0.6, 163.0, 3.0, 225.0, 4.0)
    for limit in (low, high):
        assert strength_share(limit) == pytest.approx(0.6, rel=1e-5)
    assert strength_share(0.5 * (low + high)) == pytest.approx(1.0, abs=1e-3)


def sealed(law: SealLaw, n: int, leak: float = 0.0) -> np.ndarray:
    out = np.full(n, leak, np.float32)
    seal(law, KEYS, 5, out)
    return out


def test_seals_outside_the_window_leak_as_often_as_the_normal_law_says() -> None:
    # 40 000 cells: z = 4.5.
    leak = sealed(LAW, N)
    normal = NormalDist(170.0, 3.0)
    expected = normal.cdf(165.0) + 1.0 - normal.cdf(176.0)
    assert abs((leak > 0.0).mean() - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / leak.size)


def test_a_seal_leaks_more_the_farther_outside_it_was() -> None:
    n = 3000
    z, leak = np.empty(n, np.float32), sealed(LAW, n)
    fill_normal(KEYS[0], 5, z)
    at = 170.0 + 3.0 * z
    outside = np.maximum(np.maximum(165.0 - at, at - 176.0), 0.0)
    np.testing.assert_allclose(leak, np.minimum(0.5 * outside, MOST_DECADES), atol=1e-4)


def test_channels_are_poisson_along_the_seal() -> None:
    # 40 000 seals with 0.3 channels on average: z = 4.5.
    leak = sealed(LAW._replace(sites=0.3, low_c=0.0, high_c=1000.0), N)
    expected = -math.expm1(-0.3)
    assert abs((leak > 0.0).mean() - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / leak.size)
    more = sealed(LAW._replace(sites=0.4, low_c=0.0, high_c=1000.0), N)
    assert (more >= leak).all()


def test_a_cell_keeps_its_worst_leak() -> None:
    np.testing.assert_array_equal(sealed(LAW, 200, leak=9.0), 9.0)
    assert not sealed(LAW._replace(sd_c=0.0), 200).any()
    assert np.isnan(sealed(LAW, 50, leak=np.nan)).all()
