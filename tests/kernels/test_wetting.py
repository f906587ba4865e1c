from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels.wetting import soak, unwetted_fraction, wetting_time_s


def test_wetting_times_of_46xx_and_large_prismatic_cells() -> None:
    tabless = wetting_time_s(33e-3, 2.5e-8, 0.5, 1.0) / 3600.0
    assert tabless == pytest.approx(12.1, abs=0.05)
    assert wetting_time_s(33e-3, 2.5e-8, 0.5, 2.0) == pytest.approx(0.5 * 3600.0 * tabless)
    assert wetting_time_s(87e-3, 1.0, 1.0, 1.0) / wetting_time_s(33e-3, 1.0, 1.0, 1.0) == pytest.approx(6.95, abs=0.01)


def test_the_front_has_gone_half_way_after_a_quarter_of_the_time() -> None:
    found = [unwetted_fraction(np.float32(share)) for share in (0.0, 0.25, 1.0, 4.0)]
    np.testing.assert_allclose(found, [1.0, 0.5, 0.0, 0.0])


def test_soaking_follows_the_tighter_electrode_cell_by_cell() -> None:
    rng = np.random.default_rng(1)
    spread, cathode, anode = (rng.uniform(0.5, 1.5, 200).astype(np.float32) for _ in range(3))
    found = np.empty(200, np.float32)
    soak(spread, cathode, anode, 0.8, 0.9, 1.1, found)
    share = 0.8 * spread.astype(np.float64) * np.minimum(cathode / 0.9, anode / 1.1)
    np.testing.assert_allclose(found, np.maximum(0.0, 1.0 - np.sqrt(share)), atol=1e-6)
    assert 0 < (found == 0.0).sum() < 200
