"""Dates of a ramp."""

from __future__ import annotations

import math

import pytest

from cellfab.outcome.ramp_dates import first_week_at


@pytest.mark.parametrize(
    ("series", "first", "week"),
    [
        ([0, 0, 10, 10, 10, 10], 0, 5),
        ([10, 10, 10, 10], 0, 3),
        ([10, 10, 10], 0, None),
        ([9, 9, 9, 9.1], 0, 3),
        ([9, 9, 9, 8.9], 0, None),
        ([10] * 4 + [0] * 3 + [10] * 5, 4, 10),  # four weeks that begin before `first` do not count
        ([10, math.nan, 10, 10, 10, 10], 0, 5),
        ([], 0, None),
    ],
)
def test_the_first_four_weeks_at_nine(series, first, week):
    assert first_week_at(series, 9.0, first) == week
