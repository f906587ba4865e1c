from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels.folding import MOST_TORN, FoldLaw, knead
from cellfab.kernels.random import stream_key
from cellfab.kernels.random_blocks import fill_blocks, normal_pairs

KEY = stream_key(1, 0, "faces")
LAW = FoldLaw(
    depth_sd_mm=0.2, gap_log_sd=0.3, distance_mm=2.0, onset_mm=0.12, torn_per_mm=3.0, flakes=0.8, torn_limit=0.3,
    camera_error=0.05,
)  # fmt: skip
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")


def kneaded(law: FoldLaw, n: int) -> tuple[np.ndarray, ...]:
    gap, distance, torn = np.empty((3, 2, n), np.float32)
    flakes, code = np.empty(n, np.uint8), np.zeros(n, np.int16)
    found = knead(law, KEY, 7, gap, distance, torn, flakes, 1, code)
    sound = (code == 1) & (torn <= np.float32(law.torn_limit)).all(axis=0)
    assert found == (np.count_nonzero(code), np.count_nonzero(sound))
    assert knead(law, KEY, 7, gap, distance, torn, flakes, 1, np.full(n, 5, np.int16)) == (0, 0)
    return gap, distance, torn, flakes, code


def test_kneaded_faces_equal_the_twin() -> None:
    n = 700
    words, z, error = np.empty((4, n), np.uint32), np.empty((2, n), np.float32), np.empty((2, n), np.float32)
    fill_blocks(KEY, 7, 0, 0, words)
    normal_pairs(words[0], words[1], 0, z[0], z[1])
    normal_pairs(words[2], words[3], 12, error[0], error[1])
    gap, distance, torn, flakes, rejected = kneaded(LAW, n)
    np.testing.assert_allclose(gap, np.exp(-0.3 * z), rtol=2e-5)
    np.testing.assert_allclose(distance, 2.0 - 0.2 * z, rtol=1e-6)
    np.testing.assert_allclose(torn, np.clip(3.0 * (0.2 * z - 0.12), 0.0, MOST_TORN), atol=1e-6)
    np.testing.assert_array_equal(rejected, ((torn + 0.05 * error) > 0.3).any(axis=0))
    u = ((words[2] % 4096) * 4096.0 + words[3] % 4096 + 0.5) / 2.0**24
    np.testing.assert_array_equal(flakes, stats.poisson.ppf(u, 0.8))
    assert 0 < rejected.sum() < n
    assert flakes.max() > 2


def test_a_longer_lot_deals_its_first_cells_the_same_numbers() -> None:
    for short, long in zip(kneaded(LAW, 37), kneaded(LAW, 900), strict=True):
        np.testing.assert_array_equal(short, long[..., :37])


@many_cells
def test_shares_of_a_million_faces() -> None:
    # 500 000 cells: z = 4.5 on each share and mean.
    n = 500_000
    _, _, torn, flakes, rejected = kneaded(LAW._replace(camera_error=0.0, flakes=2.5), n)
    below = stats.norm.sf(0.12 / 0.2)
    assert abs((torn > 0.0).mean() - below) < 4.5 * math.sqrt(below / (2 * n))
    missed = stats.norm.cdf((0.12 + 0.3 / 3.0) / 0.2) ** 2
    assert abs(rejected.mean() - (1.0 - missed)) < 4.5 * math.sqrt(missed * (1.0 - missed) / n)
    # E max(0, sd z - onset) of a normal number; the share of faces torn at the limit of 99 % is below 2e-2.
    free = LAW._replace(torn_per_mm=0.5, camera_error=0.0)
    t = 0.12 / 0.2
    expected = 0.5 * 0.2 * (stats.norm.pdf(t) - t * stats.norm.sf(t))
    found = kneaded(free, n)[2]
    assert abs(found.mean(dtype=float) - expected) < 4.5 * found.std(dtype=float) / math.sqrt(2 * n)
    assert abs(flakes.mean(dtype=float) - 2.5) < 4.5 * math.sqrt(2.5 / n)
    assert flakes.var(dtype=float) == pytest.approx(2.5, rel=0.01)
