"""Lid seams: leaks per metre, gaps, places off depth, vent foils and particles against closed forms."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from cellfab.kernels import lid_seam
from cellfab.kernels.random import fill_normal, fill_uniform, stream_key

NAMES = ("seam", "gap", "insertion_and_vent", "vent_camera", "particles")
KEYS = np.array([stream_key(6, 0, "lid", name) for name in NAMES], np.uint64)
LAW = lid_seam.LidLaw(
    pores=0.0, wide=0.0, gap_log_sd=0.0, off_depth=0.0, decades=1.5, insertion=0.0, vent=0.0, vent_seen=0.0,
    particles=0.0,
)  # fmt: skip
N = 2000 if numba.config.DISABLE_JIT else 40_000  # as many as interpreted kernels manage


def close(n: int = N, **changes: float) -> SimpleNamespace:
    leak = np.zeros(n, np.float32)
    vent, particles, verdict = np.empty((3, n), np.uint8)
    lid_seam.close_cans(LAW._replace(**changes), KEYS, 8, leak, vent, particles, verdict)
    return SimpleNamespace(leak=leak, vent=vent, particles=particles, verdict=verdict)


def near(share: float, expected: float, n: int = N) -> bool:
    """Within 4.5 standard deviations of a binomial share."""
    return abs(share - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / n)


def test_a_flawless_lid_is_tight() -> None:
    made = close(500)
    assert not made.leak.any() and not made.vent.any() and not made.particles.any() and not made.verdict.any()


@pytest.mark.parametrize(("metres", "off_depth"), [(0.49, 0.0), (0.98, 0.0), (0.49, 0.05)])
def test_seams_leak_by_the_metre(metres: float, off_depth: float) -> None:
    # 40 000 seams of 0.4 pores a metre: z = 4.5.
    leaking = (close(pores=0.4 * metres, off_depth=off_depth).leak > 0.0).mean()
    assert near(leaking, -math.expm1(-0.4 * metres - off_depth))


@pytest.mark.parametrize("log_sd", [0.0, 0.4])
def test_gaps_make_more_pores(log_sd: float) -> None:
    # 40 000 seams: z = 4.5. Mean over the lognormal gap by Gauss-Hermite quadrature.
    z, weight = np.polynomial.hermite_e.hermegauss(60)
    sites = 0.1 * (1.0 + 0.5 * np.exp(2.0 * log_sd * z))
    expected = float((weight * -np.expm1(-sites)).sum() / weight.sum())
    leaking = (close(pores=0.1, wide=0.5, gap_log_sd=log_sd).leak > 0.0).mean()
    assert near(leaking, expected)


def test_every_leak_is_found_whatever_the_gap() -> None:
    n, law = 6000, {"pores": 0.02, "wide": 0.4, "gap_log_sd": 0.6}
    u, z = np.empty((2, n), np.float32)
    fill_uniform(KEYS[0], 8, u)
    fill_normal(KEYS[1], 8, z)
    sites = 0.02 * (1.0 + 0.4 * np.exp(1.2 * z.astype(np.float64)))
    hazard = -np.log1p(-u.astype(np.float64))
    expected = np.where(hazard < sites, -1.5 * np.log(hazard / sites), 0.0)
    np.testing.assert_allclose(close(n, **law).leak, expected, rtol=1e-4, atol=1e-5)
    assert (expected > 0.0).sum() > 100


@pytest.mark.parametrize("worse", [{"pores": 0.3}, {"wide": 1.0}, {"off_depth": 0.1}])
def test_more_defects_never_leak_less(worse: dict[str, float]) -> None:
    usual = {"pores": 0.2, "wide": 0.5, "gap_log_sd": 0.3, "off_depth": 0.01}
    assert (close(5000, **usual | worse).leak >= close(5000, **usual).leak).all()


def test_insertion_vent_and_camera() -> None:
    # 40 000 cells: z = 4.5 on each share.
    made = close(insertion=0.03, vent=0.05, vent_seen=0.6)
    assert near((made.verdict == lid_seam.REJECTED_INSERTION).mean(), 0.03)
    assert near((made.vent > 0).mean(), 0.05)
    assert near((made.verdict == lid_seam.REJECTED_VENT).mean(), 0.03)
    assert (made.leak[made.vent > 0] > 0.0).all() and not made.leak[made.vent == 0].any()
    mean = made.leak[made.vent > 0].mean()
    assert abs(mean - 1.5) < 4.5 * 1.5 / math.sqrt((made.vent > 0).sum())


def test_particles_are_poisson() -> None:
    # 40 000 cells with a mean of 0.7: z = 4.5.
    particles = close(particles=0.7).particles
    assert abs(particles.mean() - 0.7) < 4.5 * math.sqrt(0.7 / N)
    assert near((particles == 0).mean(), math.exp(-0.7))
