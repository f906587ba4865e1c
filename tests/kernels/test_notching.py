from __future__ import annotations

import numpy as np

from cellfab.kernels import notching
from cellfab.kernels.random import fill_normal, fill_uniform

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


def test_flaws_and_alarms_equal_slow_twin():
    flaw, code = np.empty(150, np.uint8), _half_dead()
    seen = notching.inspect_cuts(
        ENTITY, PLANNED, 3, np.uint64(1), 0.3, np.uint64(2), 0.8, 0.1, 4, flaw, code.reshape(-1)
    )
    true = _drawn(1, fill_uniform) < 0.3
    expected = (_drawn(2, fill_uniform) < np.where(true, 0.8, 0.1)) & (_half_dead() == 0)
    assert np.array_equal(flaw, true.ravel())
    assert np.array_equal(code == 4, expected)
    assert seen == expected.sum() > 3


def test_no_flaws_no_alarms():
    flaw, code = np.empty(150, np.uint8), np.zeros(150, np.int16)
    assert notching.inspect_cuts(ENTITY, PLANNED, 3, np.uint64(1), 0.0, np.uint64(2), 1.0, 0.0, 4, flaw, code) == 0
    assert not flaw.any()
