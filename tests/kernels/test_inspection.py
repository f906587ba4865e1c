from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels.inspection import detection_probability, raise_alarms


def test_detection_is_half_its_ceiling_at_the_midpoint_and_grows_with_severity() -> None:
    assert detection_probability(0.3, 0.9, 0.3, 0.1) == pytest.approx(0.45)
    assert detection_probability(1e6, 0.9, 0.3, 0.1) == pytest.approx(0.9)
    assert detection_probability(-1e6, 0.9, 0.3, 0.1) == 0.0
    values = [detection_probability(x, 0.9, 0.3, 0.1) for x in np.linspace(-1, 2, 50)]
    assert values == sorted(values)


def test_alarms_decide_row_by_row_as_the_formula_says() -> None:
    rng = np.random.default_rng(5)
    severity = np.where(rng.random(400) < 0.5, 0.0, rng.normal(0.5, 0.5, 400)).astype(np.float32)
    u = rng.random(400).astype(np.float32)
    out = np.empty(400, np.bool_)
    raise_alarms(severity, u, 0.05, 0.8, 0.4, 0.1, out)
    expected = [
        v < 0.05 + (0.95 * 0.8 / (1.0 + math.exp(-(x - 0.4) / 0.1)) if x > 0.0 else 0.0)
        for x, v in zip(severity.tolist(), u.tolist(), strict=True)
    ]
    assert out.tolist() == expected
    assert 0 < out[severity <= 0.0].sum() < out[severity > 0.0].sum()
