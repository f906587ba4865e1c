from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import web_rows

LANES, POSITIONS, PLANNED = 3, 150, 161


def _planned_rows(rows):
    return rows // POSITIONS * PLANNED + rows % POSITIONS


def test_field_is_the_sum_of_its_parts():
    rng = np.random.default_rng(1)
    across, slope = rng.normal(size=(2, LANES)).astype(np.float32)
    along, z = rng.normal(size=POSITIONS).astype(np.float32), rng.normal(size=LANES * PLANNED).astype(np.float32)
    out = np.empty(LANES * POSITIONS, np.float32)
    web_rows.lay_field(5.0, across, slope, along, 0.1, z, out)
    expected = 5.0 + across[:, None] + slope[:, None] * np.arange(POSITIONS) + along
    expected = expected + 0.1 * z.reshape(LANES, PLANNED)[:, :POSITIONS]
    assert out == pytest.approx(expected.ravel(), rel=1e-5)


@pytest.mark.parametrize(("low", "high"), [(-0.5, 1.0), (-math.inf, 2.5), (-4.0, 4.0)])
def test_doubtful_rows_are_the_living_ones_outside(low, high):
    rng = np.random.default_rng(2)
    values = rng.normal(size=LANES * POSITIONS).astype(np.float32)
    values[[7, 300]] = np.nan
    code = np.where(rng.random(values.size) < 0.3, 9, 0).astype(np.int16)
    code[[7, 300]] = 0
    rows = np.empty(values.size, np.int32)
    found = web_rows.doubtful_rows(values, low, high, POSITIONS, PLANNED, code, rows)
    expected = np.flatnonzero(~((values >= low) & (values <= high)) & (code == 0))
    assert {7, 300} <= set(expected.tolist())
    assert np.array_equal(rows[:found], _planned_rows(expected))


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
    off, sound = web_rows.judge_rows(
        _planned_rows(rows), z, values, *gauge, 0.8, 1.2, POSITIONS, PLANNED, 4, code
    )  # fmt: skip
    cut = np.clip(z.astype(float), -4.0, 4.0)
    read = (values[rows] + cut * (absolute + relative * values[rows])) * np.exp(log_spread * cut)
    expected = rows[~((read >= 0.8) & (read <= 1.2))]
    assert 5 in expected
    assert np.array_equal(np.flatnonzero(code), expected)
    assert off == expected.size > 50
    assert sound == np.count_nonzero((values[expected] >= 0.8) & (values[expected] <= 1.2)) > 5
