from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels import dry_web
from cellfab.kernels.random import fill_normal


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
