"""Intraclass correlation of data whose correlation is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.quality.likeness import intraclass_correlation


def drawn(icc, sizes, seed):
    """Unit variance, share `icc` of it between groups."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    return math.sqrt(icc) * rng.standard_normal(len(sizes))[group] + math.sqrt(1 - icc) * rng.standard_normal(
        group.size
    ), group


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.5, 0.9])
def test_the_correlation_that_was_put_in(icc):
    """20 000 groups of 4-12; standard deviation about (1 - r)(1 + 7 r) / sqrt(20 000 x 28), below 0.004; z = 4."""
    sizes = np.random.default_rng(1).integers(4, 13, 20_000)
    found = intraclass_correlation(*drawn(icc, sizes, 2))
    spread = (1 - icc) * (1 + 7 * icc) / math.sqrt(20_000 * 7 * 4 / 2)
    assert found.icc == pytest.approx(icc, abs=4 * max(spread, 0.001))
    assert found.low < found.icc < found.high
    assert (found.groups, found.cells) == (20_000, sizes.sum())


def test_equal_groups_by_hand():
    """Three pairs: means 1, 3, 8; MSB = 2 (9 + 1 + 16) / 2 = 26, MSW = (2 + 0.5 + 0) / 3; n0 = 2."""
    values, group = [0.0, 2.0, 2.5, 3.5, 8.0, 8.0], [7, 7, 1, 1, 4, 4]
    within, between = 2.5 / 3, 26.0
    assert intraclass_correlation(values, group).icc == pytest.approx((between - within) / (between + within))


def test_the_interval_covers_as_often_as_it_says():
    """400 samples of 30 equal groups: 95 % +- 4 x 1.1 %."""
    hits = 0
    for seed in range(400):
        found = intraclass_correlation(*drawn(0.3, np.full(30, 8), seed))
        hits += found.low <= 0.3 <= found.high
    assert abs(hits / 400 - 0.95) < 4 * 0.011


def test_what_has_no_answer():
    assert math.isnan(intraclass_correlation([1.0, 2.0], [0, 0]).icc)
    assert math.isnan(intraclass_correlation([1.0, 2.0], [0, 1]).icc)
    assert math.isnan(intraclass_correlation([3.0, 3.0, 3.0, 3.0], [0, 0, 1, 1]).icc)
    assert intraclass_correlation([3.0, 3.0, 4.0, 4.0], [0, 0, 1, 1]).icc == 1.0
