from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels import slitting


def test_knives_age_along_rolls_and_start_anew_when_changed():
    position = np.array([0.0, 500.0, 2999.0])
    assert slitting.knife_age_km(0.0, position, 500.0) == pytest.approx([0.0, 0.5, 2.999])
    assert slitting.knife_age_km(499_000.0, position, 500.0) == pytest.approx([499.0, 499.5, 1.999])


def test_burr_doubles_over_a_knife_life():
    age = np.array([0.0, 125.0, 500.0])
    assert slitting.wear_factor(age, 500.0, 1.5) == pytest.approx([1.0, 1.125, 2.0])
