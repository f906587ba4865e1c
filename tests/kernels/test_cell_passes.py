"""The one-pass kernels of the cell steps against slow twins: cell by cell, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cellfab.kernels import particles, winding

N = 400


def normals(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def near(rng: np.random.Generator, mean: float, relative_sd: float = 0.03) -> np.ndarray:
    return (mean * (1.0 + relative_sd * rng.standard_normal(N))).astype(np.float32)


def test_wound_rolls_equal_the_twin() -> None:
    rng = np.random.default_rng(1)
    law = winding.WinderLaw(
        drift_sd_mm=0.2, alignment_sd_mm=0.1, overhang_limit_mm=0.3, gauge_mm=0.05, fault=0.1, separator_fault=0.2,
        camera_false_alarm=0.05, camera_seen=0.5, particles=0.7,
    )  # fmt: skip
    z, lowest, u = normals(rng, 2, N), normals(rng, N) - 2, rng.random((4, N)).astype(np.float32)
    centred, flaws = near(rng, 1.0), rng.integers(0, 3, N).astype(np.uint8)
    overhang = np.empty(N, np.float32)
    fault, count, reason = np.empty((3, N), np.uint8)
    winding.wind_rolls(law, z, u, lowest, centred, flaws, overhang, fault, count, reason)

    true = centred.astype(float) - 0.2 * np.abs(z[0]) + 0.1 * lowest
    np.testing.assert_allclose(overhang, true, atol=1e-6)
    np.testing.assert_array_equal(fault, u[1] < 0.2)
    np.testing.assert_array_equal(count, flaws + stats.poisson.ppf(u[2].astype(float), 0.7))
    camera = (u[3] < 0.05) | ((u[1] < 0.2) & (u[3] < 0.5))
    expected = np.select([u[0] < 0.1, true + 0.05 * z[1] < 0.3, camera], [1, 2, 3], 0)
    np.testing.assert_array_equal(reason, expected)
    assert set(reason) == {0, 1, 2, 3}


def test_cells_inherit_from_their_own_segments() -> None:
    rng = np.random.default_rng(2)
    row = np.sort(rng.choice(2 * N, N, replace=False)).astype(np.int32)
    loading, active, specific, width = rng.uniform(0.5, 1.5, (4, 2 * N)).astype(np.float32)
    notch = (rng.random(2 * N) < 0.1).astype(np.float32)
    areal, centred, flaws = np.empty(N, np.float32), np.ones(N, np.float32), np.ones(N, np.uint8)
    total = winding.inherit(row, loading, active, specific, width, notch, -0.5, areal, centred, flaws)
    assert total == pytest.approx(loading[row].sum(dtype=np.float64))
    np.testing.assert_allclose(areal, 1e-3 * (loading * active * specific)[row], rtol=1e-6)
    np.testing.assert_allclose(centred, 1.0 - 0.5 * width[row], atol=1e-6)
    np.testing.assert_array_equal(flaws, 1 + notch[row])
    good = rng.random(2 * N) < 0.7
    assert winding.sum_of_good(loading, good) == pytest.approx(loading[good].sum(dtype=np.float64))


def test_poisson_count_is_the_quantile() -> None:
    for u in (0.1, 0.6, 0.99, 0.99999):
        assert particles.poisson_count(1.3, u) == stats.poisson.ppf(u, 1.3)
    assert particles.poisson_count(0.0, math.nextafter(1.0, 0.0)) == 0
