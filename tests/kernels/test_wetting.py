from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels.wetting import unwetted_fraction, wetting_time_s


def test_wetting_times_of_46xx_and_large_prismatic_cells() -> None:
    tabless = wetting_time_s(33e-3, 2.5e-8, 0.5, 1.0) / 3600.0
    assert tabless == pytest.approx(12.1, abs=0.05)
    assert wetting_time_s(33e-3, 2.5e-8, 0.5, 2.0) == pytest.approx(0.5 * 3600.0 * tabless)
    assert wetting_time_s(87e-3, 1.0, 1.0, 1.0) / wetting_time_s(33e-3, 1.0, 1.0, 1.0) == pytest.approx(6.95, abs=0.01)


def test_the_front_has_gone_half_way_after_a_quarter_of_the_time() -> None:
    share = np.array([0.0, 0.25, 1.0, 4.0], np.float32)
    np.testing.assert_allclose(unwetted_fraction(share), [1.0, 0.5, 0.0, 0.0])
