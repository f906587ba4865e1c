from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import web_rows
from cellfab.kernels.random import fill_normal

LANES, POSITIONS, PLANNED = 3, 150, 161


def test_field_is_the_sum_of_its_parts():
    rng = np.random.default_rng(1)
    across, slope = rng.normal(size=(2, LANES)).astype(np.float32)
    along, z = rng.normal(size=POSITIONS).astype(np.float32), np.empty(LANES * PLANNED, np.float32)
    out = np.empty(LANES * POSITIONS, np.float32)
    fill_normal(np.uint64(11), 5, z)
    web_rows.lay_field(np.uint64(11), 5, PLANNED, 5.0, 2.0, across, slope, along, 0.1, out)
    expected = 5.0 + 2.0 * (across[:, None] + slope[:, None] * np.arange(POSITIONS) + along)
    expected = expected + 0.1 * z.reshape(LANES, PLANNED)[:, :POSITIONS]
    assert out == pytest.approx(expected.ravel(), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("low", "high"), [(-0.5, 1.0), (-math.inf, 2.5), (-4.0, 4.0)])
@pytest.mark.parametrize("n", [450, 448, 3])
def test_doubtful_rows_are_the_living_ones_outside(low, high, n):
    rng = np.random.default_rng(2)
    values = rng.normal(size=n).astype(np.float32)
    values[[1, n - 1]] = np.nan
    code = np.where(rng.random(n) < 0.3, 9, 0).astype(np.int16)
    code[[1, n - 1]] = 0
    marks, rows = np.zeros((n + 7) // 8 * 8, np.uint8), np.empty((n + 7) // 8 * 8, np.int32)
    found = web_rows.doubtful_rows(values, low, high, code, marks, rows)
    expected = np.flatnonzero(~((values >= low) & (values <= high)) & (code == 0))
    assert {1, n - 1} <= set(expected.tolist())
    assert np.array_equal(rows[:found], expected)


@pytest.mark.parametrize("gauge", [(0.2, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.2)])
def test_rows_are_judged_by_their_reading(gauge):
    absolute, relative, log_spread = gauge
    rng = np.random.default_rng(3)
    values = rng.uniform(0.5, 1.5, LANES * POSITIONS).astype(np.float32)
    values[5] = np.nan
    rows = np.flatnonzero(rng.random(values.size) < 0.5).astype(np.int32)
    rows = np.union1d(rows, [5]).astype(np.int32)
    z = rng.normal(size=rows.size).astype(np.float32)
    z[3] = 6.0
    code = np.zeros(values.size, np.int16)
    off, sound = web_rows.judge_rows(rows, z, values, *gauge, 0.8, 1.2, 4, code)
    cut = np.clip(z.astype(float), -4.0, 4.0)
    read = (values[rows] + cut * (absolute + relative * values[rows])) * np.exp(log_spread * cut)
    expected = rows[~((read >= 0.8) & (read <= 1.2))]
    assert 5 in expected
    assert np.array_equal(np.flatnonzero(code), expected)
    assert off == expected.size > 50
    assert sound == np.count_nonzero((values[expected] >= 0.8) & (values[expected] <= 1.2)) > 5
