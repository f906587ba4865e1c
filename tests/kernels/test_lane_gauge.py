from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels import lane_gauge
from cellfab.kernels.random import fill_normal

SHAPE, PLANNED, ENTITY = (3, 50), 61, 5


def _drawn(key, fill=fill_normal):
    """Numbers of a roll of PLANNED positions of which the first 50 are there."""
    out = np.empty(SHAPE[0] * PLANNED, np.float32)
    fill(np.uint64(key), ENTITY, out)
    return out.reshape(SHAPE[0], PLANNED)[:, : SHAPE[1]].astype(float)


def _half_dead():
    code = np.zeros(SHAPE, np.int16)
    code[:, ::2] = 9
    return code


@pytest.mark.parametrize("room", [0, 150])
def test_sizes_equal_slow_twin(room):
    lane = np.array([-0.1, 0.0, 0.2], np.float32)
    size, code = np.empty(room, np.float32), _half_dead()
    off = lane_gauge.measure_lanes(
        ENTITY, PLANNED, lane, np.uint64(1), 0.1, np.uint64(2), 0.05, 66.0, 0.25, 4, size, code.reshape(-1)
    )
    true = lane[:, None] + 0.1 * _drawn(1)
    expected = (np.abs(true + 0.05 * _drawn(2)) > 0.25) & (_half_dead() == 0)
    assert size == pytest.approx(66.0 + true.ravel()[:room], abs=1e-5)
    assert np.array_equal(code == 4, expected)
    assert off == expected.sum() > 3
    assert np.array_equal(code == 9, _half_dead() == 9)
