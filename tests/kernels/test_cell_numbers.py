"""Numbers of cells: the words that Philox gives to (key, entity, cell), and normal numbers out of them."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels.cell_numbers import fill_cell_normals
from cellfab.kernels.particles import block_uniforms
from cellfab.kernels.random import philox, stream_key
from cellfab.kernels.random_blocks import fill_blocks, normal_pairs

KEY = stream_key(3, 0, "cells")


def numbers(n: int, rows: int = 4) -> tuple[np.ndarray, np.ndarray]:
    words, z = np.empty((4, n), np.uint32), np.empty((rows, n), np.float32)
    fill_blocks(KEY, 2**40 + 7, 0, 0, words)
    fill_cell_normals(KEY, 2**40 + 7, z)
    return words, z


def test_words_are_the_blocks_of_the_cells() -> None:
    words, _ = numbers(70)
    low = np.uint64(0xFFFFFFFF)
    key, entity = np.uint64(KEY), np.uint64(2**40 + 7)
    thirty_two = np.uint64(32)
    for cell in (0, 1, 69):
        block = philox(np.uint64(cell), np.uint64(0), entity & low, entity >> thirty_two, key & low, key >> thirty_two)
        assert words[:, cell].tolist() == [int(word) for word in block]
        u = np.array(block_uniforms(KEY, 2**40 + 7, cell))
        np.testing.assert_allclose(u, (words[:, cell] + 0.5) / 2.0**32, rtol=1e-15)


def test_a_cell_keeps_its_numbers_whatever_the_size_of_its_lot() -> None:
    words, z = numbers(300)
    fewer_words, fewer = numbers(37, rows=2)
    np.testing.assert_array_equal(words[:, :37], fewer_words)
    np.testing.assert_allclose(z[:2, :37], fewer, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [2, 4])
def test_numbers_are_pairs_out_of_the_words(rows: int) -> None:
    words, z = numbers(3000, rows)
    pairs = np.empty((rows, 3000), np.float32)
    for first in range(0, rows, 2):
        normal_pairs(words[first], words[first + 1], 0, pairs[first], pairs[first + 1])
    np.testing.assert_array_equal(z, pairs)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")
def test_numbers_are_normal_and_independent() -> None:
    # 200 000 cells: Kolmogorov-Smirnov at the 1e-5 level, correlations within 4.5 / sqrt(n), variance to z = 4.5.
    n = 200_000
    _, z = numbers(n)
    for row in z.astype(np.float64):
        assert stats.kstest(row, "norm").pvalue > 1e-5
        assert abs(row.var() - 1.0) < 4.5 * np.sqrt(2.0 / n)
    off = np.corrcoef(z)[np.triu_indices(4, 1)]
    assert np.abs(off).max() < 4.5 / np.sqrt(n)
