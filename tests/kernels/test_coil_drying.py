from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels import coil_drying
from cellfab.kernels.random import fill_normal

KEYS = np.arange(11, 15).astype(np.uint64)


def _normals(key, n):
    out = np.empty(n, np.float32)
    fill_normal(key, 5, out)
    return out


def test_a_roll_is_drawn_of_four_streams():
    logarithms, gauge = np.empty(6, np.float32), np.empty((2, 3), np.float32)
    coil_drying.draw_roll(KEYS, 5, 0.1, 0.2, 0.3, logarithms, gauge)
    parts = [0.1 * _normals(KEYS[0], 1), 0.2 * _normals(KEYS[1], 2), 0.3 * _normals(KEYS[2], 3)]
    assert logarithms == pytest.approx(np.concatenate(parts))
    assert np.array_equal(gauge.ravel(), _normals(KEYS[3], 6))


def _dry(target_ppm, gauge, code=(0, 0, 0, 9, 0, 0)):
    """Three coils of two positions: 800 ppm, half of the way to 100 and then 200 ppm, times 1, 2 and 1/2."""
    factors, exit_code = np.array([1.0, 0.5, 1.0, 1.0, 2.0, 0.5], np.float32), np.array(code, np.int16)
    moisture = np.empty(6, np.float32)
    told = coil_drying.dry_coils(
        factors, np.array(gauge, np.float32), 800.0, 200.0, 0.5, 0.1, target_ppm, 10.0, 4, exit_code, moisture
    )
    return told, moisture.tolist(), exit_code.tolist()


def test_a_roll_is_dried_until_no_coil_reads_too_wet():
    # After one drying 450, 500 and 425 ppm, after two 325, 450 and 262.5; 10 ppm are taken up afterwards.
    told, moisture, code = _dry(501.0, np.zeros((2, 3)))
    assert (told, moisture) == ((1, 0, 0), [460, 460, 510, 510, 435, 435])
    told, moisture, code = _dry(460.0, np.zeros((2, 3)))
    assert (told, moisture) == ((2, 0, 0), [335, 335, 460, 460, 272.5, 272.5])
    assert code == [0, 0, 0, 9, 0, 0]


def test_coils_that_stay_wet_are_scrapped_and_so_are_those_read_as_wet():
    # The first coil of 325 ppm reads 357.5, the last of 262.5 reads 236.25.
    told, _, code = _dry(340.0, [[0, 0, 0], [1, 0, -1]])
    assert told == (2, 1, 2)
    assert code == [4, 4, 4, 9, 0, 0]
    told, _, code = _dry(250.0, [[0, 0, 0], [0, 0, -1]])
    assert (told, code) == ((2, 3, 0), [4, 4, 4, 9, 0, 0])
