"""Streaming statistics against numpy on the raw values."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.line.statistics import Level, Tally, WeeklyArea
from cellfab.units import TICKS_PER_WEEK


def test_tally_of_nothing():
    tally = Tally()
    assert (tally.count, tally.mean, tally.quantile(0.5)) == (0, 0.0, 0.0)


def test_tally_against_numpy():
    values = np.random.default_rng(3).lognormal(14.0, 2.0, 20_000).astype(np.int64)
    values[:2_000] = 0
    tally = Tally()
    for value in values:
        tally.add(int(value))
    assert tally.count == 20_000
    assert tally.mean == pytest.approx(values.mean())
    assert tally.largest == values.max()
    assert tally.quantile(0.05) == 0.0
    for share in (0.5, 0.9, 0.95, 0.99):
        assert tally.quantile(share) == pytest.approx(np.quantile(values, share), rel=0.005)


def test_merged_tallies_are_one():
    both, left, right = Tally(), Tally(), Tally()
    for value in range(0, 100_000, 7):
        both.add(value)
        (left if value % 2 else right).add(value)
    left.merge(right)
    assert (left.count, left.mean, left.largest) == (both.count, both.mean, both.largest)
    assert left.quantile(0.9) == both.quantile(0.9)


def test_level_integrates_and_forgets():
    level = Level()
    level.change(2, 10)
    level.change(3, 20)
    level.change(-4, 40)
    assert level.area(50) == 2 * 10 + 5 * 20 + 1 * 10
    assert level.mean(50) == pytest.approx(130 / 50)
    assert level.largest(50) == 5
    level.reset(50)
    assert level.largest(51) == 1
    level.change(1, 60)
    assert level.mean(70) == pytest.approx((1 * 10 + 2 * 10) / 20)
    assert level.area(70) == 160
    level.change(5, 70)
    level.change(-5, 70)
    assert level.largest(80) == 2


def test_weekly_area_is_cut_at_the_ends_of_weeks():
    area, week = WeeklyArea(), TICKS_PER_WEEK
    area.change(2, week // 2)
    area.change(-1, 2 * week + week // 4)
    area.change(-1, 2 * week + week // 2)
    area.change(1, 5 * week)
    assert area.by_week(5 * week + 7) == {0: week, 1: 2 * week, 2: week // 2 + week // 4, 5: 7}
    assert area.by_week(5 * week + 9) == {0: week, 1: 2 * week, 2: week // 2 + week // 4, 5: 9}
