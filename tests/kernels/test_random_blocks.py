from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels.random import philox, stream_key, uniform
from cellfab.kernels.random_blocks import fill_blocks, normal_pairs

KEY = stream_key(1, 0, "blocks")
many_rows = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many rows for interpreted kernels")


def blocks(n: int, *, row: int = 0, column: int = 0, entity: int = 7) -> np.ndarray:
    words = np.empty((4, n), np.uint32)
    fill_blocks(KEY, entity, row, column, words)
    return words


def exact_pair(words: np.ndarray, skip: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both numbers and their radius."""
    u = ((words[0] >> skip) + 0.5) * 2.0 ** (skip - 32)
    turn = ((words[1] >> skip) + 0.5) * 2.0 ** (skip - 32)
    radius = np.sqrt(-2.0 * np.log(u))
    return radius * np.cos(2.0 * np.pi * turn), radius * np.sin(2.0 * np.pi * turn), radius


def test_blocks_are_philox_of_row_and_column() -> None:
    entity = (5 << 32) | 3
    words = blocks(40, row=1000, column=6, entity=entity)
    key = int(KEY)
    for j in (0, 1, 39):
        counter = (1000 + j, 6, 3, 5, key & 0xFFFFFFFF, key >> 32)
        assert tuple(words[:, j]) == tuple(int(word) for word in philox(*map(np.uint64, counter)))


def test_the_first_column_holds_the_words_of_uniform() -> None:
    words = blocks(20)
    for row in range(20):
        cell = (int(words[0, row]) << 20) | (int(words[1, row]) >> 12)
        assert uniform(KEY, 7, row) == (cell + 0.5) * 2.0**-52


def test_a_block_depends_on_its_row_only() -> None:
    np.testing.assert_array_equal(blocks(300)[:, 100:], blocks(200, row=100))


@pytest.mark.parametrize("skip", [0, 12, 20])
def test_pairs_are_the_polar_formula(skip: int) -> None:
    words = blocks(20_000)
    # Both ends of the radius, and angles next to where sine and cosine change sign.
    words[0, :4] = 0, 2**32 - 1, 1, 2**31
    words[1, :4] = 0, 2**32 - 1, 2**30, 2**31
    first, second = np.empty((2, words.shape[1]), np.float32)
    normal_pairs(words[0], words[1], skip, first, second)
    *exact, radius = exact_pair(words, skip)
    for found, expected in zip((first, second), exact, strict=True):
        error = abs(found - expected)
        assert error.max() < 2e-3
        assert error[radius > 0.02].max() < 6e-5


@many_rows
@pytest.mark.parametrize("skip", [0, 12, 20])
def test_pairs_are_independent_standard_normal_numbers(skip: int) -> None:
    # 4 million of each: Kolmogorov's distance below 1e-3 + a cell's width, moments and correlations at z = 4.5.
    n = 4_000_000
    words = blocks(n)
    first, second = np.empty((2, n), np.float32)
    normal_pairs(words[0], words[1], skip, first, second)
    for z in (first.astype(float), second.astype(float)):
        assert stats.kstest(z[:200_000], "norm").statistic < 4e-3
        assert abs(z.mean()) < 4.5 / math.sqrt(n)
        assert abs(z.var() - 1.0) < 4.5 * math.sqrt(2.0 / n) + 2.0 ** (skip - 32)
        for limit in (2.0, 3.0):
            share = 2.0 * stats.norm.sf(limit)
            assert abs((abs(z) > limit).mean() - share) < 4.5 * math.sqrt(share / n) + 2.0 ** (skip - 32)
    assert abs(np.mean(first * second)) < 4.5 / math.sqrt(n)
    assert abs(np.mean((first**2 - 1.0) * (second**2 - 1.0))) < 4.5 * 2.0 / math.sqrt(n)
