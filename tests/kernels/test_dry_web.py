from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels import dry_web, web_field
from cellfab.kernels.random import fill_normal, uniform


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


def test_lanes_keep_an_offset_and_drift_in_proportion_to_the_age_of_the_setting():
    across, per_position, z = np.empty(3, np.float32), np.empty(3, np.float32), np.empty(6, np.float32)
    fill_normal(np.uint64(11), 5, z)
    dry_web.lane_offsets(np.uint64(11), 5, 0.01, 0.02, 0.4, 0.001, across, per_position)
    assert across == pytest.approx(0.01 * z[:3] + 0.4 * 0.02 * z[3:], rel=1e-5)
    assert per_position == pytest.approx(0.001 * 0.02 * z[3:], rel=1e-5)


def test_loading_along_the_web_is_the_sum_of_roll_charge_drift_and_ripple():
    keys = np.arange(11, 16).astype(np.uint64)
    charge, number = np.repeat([0, 2], 30).astype(np.int32), 3
    drift = web_field.ou_coefficients(3.4, 20.0)
    roll, of_charge, wandered = np.empty(2, np.float32), np.empty(number, np.float32), np.empty(60, np.float32)
    fill_normal(keys[0], 5, roll)
    fill_normal(keys[1], 6, of_charge)
    web_field.wander_web(keys[3], keys[4], 5, *drift, wandered)
    sine = np.sin(2.0 * np.pi * uniform(keys[2], 5, 0) + 0.7 * (np.arange(60) + 0.5))
    parts = [0.01 * roll[0], 0.02 * of_charge[charge], 0.03 * wandered, 0.04 * sine]
    for absent in range(5):
        cv = [0.0 if part == absent else 0.01 * (part + 1) for part in range(4)]
        along = np.empty(60, np.float32)
        second = dry_web.lay_along(keys, 5, 6, *cv[:3], *drift, cv[3], 0.7, charge, number, along)
        expected = sum(values for part, values in enumerate(parts) if part != absent)
        assert along == pytest.approx(expected, abs=1e-7)
        assert second == roll[1]
