from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import dry_web, film, web_field
from cellfab.kernels.random import fill_normal, fill_uniform, uniform

SHAPE, PLANNED, ENTITY = (3, 50), 61, 5


def _drawn(key, fill=fill_normal):
    """Numbers of a roll of PLANNED positions of which the first 50 are there."""
    out = np.empty(SHAPE[0] * PLANNED, np.float32)
    fill(np.uint64(key), ENTITY, out)
    return out.reshape(SHAPE[0], PLANNED)[:, : SHAPE[1]].astype(float)


def _part(key, n, fill=fill_normal):
    out = np.empty(n, np.float32)
    fill(np.uint64(key), ENTITY, out)
    return out


CHARGE = np.repeat([0, 2, 3], [20, 20, 10]).astype(np.int32)


def _half_dead():
    code = np.zeros(SHAPE, np.int16)
    code[:, ::2] = 9
    return code


def test_charges_follow_one_another_and_rejected_ones_are_left_out():
    charge = np.empty(60, np.int32)
    dry_web.lay_charges(np.array([30.0, 0.0, 50.0, 20.0]), 0.5, 4, 3.4, charge)
    # 2 kg to a position: 15, none, 25, 10, and the last one's number beyond the powder's end.
    assert np.array_equal(charge, np.repeat([0, 2, 3], [15, 25, 20]))
    dry_web.lay_charges(np.zeros(3), 0.5, 4, 3.4, charge)
    assert not charge.any()


def test_powder_fills_whole_positions():
    along = np.array([0.0, 0.1, -0.1, 0.0], np.float32)
    found = [dry_web.positions_filled(along, 0.0, 2.0, kg) for kg in (1.9, 2.1, 4.3, 6.1, 99.0)]
    assert found == [0, 1, 2, 3, 4]


def test_loading_along_the_web_is_the_sum_of_its_parts():
    law, along = web_field.ou_coefficients(3.4, 20.0), np.empty(50, np.float32)
    offset = np.array([0.1, 9.0, -0.1, 0.2], np.float32)
    dry_web.loading_along(
        ENTITY, np.uint64(1), np.uint64(2), 0.5, tuple(law), 0.3, 0.7, 0.2, 0.05, offset, CHARGE, along
    )
    drift = np.empty(50, np.float32)
    web_field.ou_segment_means(_part(1, 51), _part(2, 50), *law, drift)
    expected = 0.5 * drift + 0.3 * np.sin(0.2 + 0.7 * np.arange(50)) + offset[CHARGE] + 0.05
    assert along == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("gauge_cv", [0.01, 0.2])
def test_loading_equals_slow_twin(gauge_cv):
    across, along = np.array([-0.02, 0.0, 0.03], np.float32), np.linspace(-0.02, 0.02, 50).astype(np.float32)
    lost = np.zeros(50, np.int16)
    lost[:4] = 6
    loading, code = np.empty(150, np.float32), np.empty(150, np.int16)
    total, off = dry_web.laminate(
        ENTITY, PLANNED, across, along, np.uint64(1), 0.02, 25.0, np.uint64(2), gauge_cv, 0.04, 4, lost, loading, code
    )
    relative = 1.0 + across[:, None] + along + 0.02 * _drawn(1)
    expected = (np.abs(relative * (1.0 + gauge_cv * _drawn(2)) - 1.0) > 0.04) & (lost == 0)
    assert loading == pytest.approx(25.0 * relative.ravel(), rel=1e-5)
    assert total == pytest.approx(25.0 * relative.sum(), rel=1e-5)
    assert np.array_equal(code.reshape(SHAPE) == 4, expected)
    assert np.array_equal(code.reshape(SHAPE) == 6, np.tile(lost == 6, (3, 1)))
    assert off == expected.sum() > 3


def test_holes_equal_slow_twin():
    mean, limit = np.array([0.5, 0.0, 1.5, 0.1]), 0.5
    for room in (150, 0):
        code, count, largest = _half_dead(), np.zeros(room, np.uint8), np.zeros(room, np.float32)
        scrapped = dry_web.inspect_holes(
            ENTITY, PLANNED, np.uint64(1), np.uint64(2), np.uint64(3), mean, 0.3, 0.6, 0.5, limit, 4, CHARGE,
            code.reshape(-1), count, largest,
        )  # fmt: skip
        u, z, error = _drawn(1, fill_uniform), _drawn(2), np.exp(0.5 * _drawn(3))
        true = np.array([[film.hole_count(u[i, j], mean[CHARGE[j]]) for j in range(50)] for i in range(3)])
        size = np.array(
            [[0.3 * math.exp(0.6 * film.largest_of_holes(z[i, j], n)) if n else 0.0 for j, n in enumerate(row)]
             for i, row in enumerate(true)]
        )  # fmt: skip
        expected = (size * error > limit) & (_half_dead() == 0)
        assert np.array_equal(code == 4, expected)
        assert scrapped == expected.sum() > 3
        assert np.array_equal(count, true.ravel()[:room])
        assert largest == pytest.approx(size.ravel()[:room], rel=1e-5)


def test_weak_segments_equal_slow_twin():
    median, spread = np.array([20.0, 1.0, 15.0, 30.0], np.float32), np.array([0.1, 0.1, 0.2, 0.1], np.float32)
    code = _half_dead()
    scrapped = dry_web.inspect_peel(
        ENTITY, PLANNED, np.uint64(1), np.uint64(2), median, spread, 30.0, 11.0, 0.6, 4, CHARGE, code.reshape(-1)
    )
    weak = np.array([film.weak_share(11.0, *pair, 30.0) for pair in zip(median, spread, strict=True)])[CHARGE]
    seen = np.array([[uniform(np.uint64(2), ENTITY, i * PLANNED + j) < 0.6 for j in range(50)] for i in range(3)])
    expected = (_drawn(1, fill_uniform) < weak) & seen & (_half_dead() == 0)
    assert np.array_equal(code == 4, expected)
    assert scrapped == expected.sum() > 3


def test_segments_have_their_charges_values():
    out, values = np.empty(150, np.float32), np.array([1, 2, 3, 4], np.float32)
    dry_web.spread_charges(CHARGE, values, 3, out)
    assert np.array_equal(out, np.tile(values[CHARGE], 3))
