from __future__ import annotations

import numpy as np

from cellfab.kernels import dry_web


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
