"""The sampler against the closed form of a linear law with normal errors, and against quadrature of a bent one."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.calibrate.posterior import POINTS, sample
from cellfab.calibrate.unknowns import Unknown


def test_linear_law_with_normal_errors() -> None:
    """Bayes' theorem for y = A z + e, z standard normal: precision I + A'A / s^2. 8192 points: 5 standard errors."""
    design, seen, error = np.array([[1.0, 0.5, 0.0], [0.2, -1.0, 2.0]]), np.array([2.5, -1.0]), 0.3
    found = sample(lambda z: -0.5 * np.sum(((z @ design.T - seen) / error) ** 2, axis=1), 3, seed=4)
    covariance = np.linalg.inv(np.eye(3) + design.T @ design / error**2)
    mean = covariance @ design.T @ seen / error**2
    assert found.effective_points > 2000.0
    spread = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(found.weights @ found.points - mean) < 5.0 * spread / np.sqrt(found.effective_points))
    away = found.points - mean
    assert np.sqrt(found.weights @ away**2) == pytest.approx(spread, rel=0.06)


def test_a_figure_far_from_what_was_believed_is_reached() -> None:
    """Six standard deviations away and a hundredth wide: plain weighting of 8192 prior points has none there."""
    found = sample(lambda z: -0.5 * ((z[:, 0] - 6.0) / 0.01) ** 2, 2, seed=1)
    assert found.effective_points > 1000.0
    assert found.weights @ found.points[:, 0] == pytest.approx(6.0 / (1.0 + 1e-4), abs=0.002)


def test_a_bent_law_by_quadrature() -> None:
    """One coordinate, y = exp(z): the posterior mean by the trapezoidal rule."""
    grid = np.linspace(-8.0, 8.0, 200_001)
    density = np.exp(-0.5 * grid**2 - 0.5 * ((np.exp(grid) - 3.0) / 0.8) ** 2)
    mean = np.sum(grid * density) / np.sum(density)
    deviation = np.sqrt(np.sum((grid - mean) ** 2 * density) / np.sum(density))
    found = sample(lambda z: -0.5 * ((np.exp(z[:, 0]) - 3.0) / 0.8) ** 2, 1, seed=2)
    error = deviation / np.sqrt(found.effective_points)
    assert abs(found.weights @ found.points[:, 0] - mean) < 5.0 * error


def test_resampling_keeps_the_weights() -> None:
    found = sample(lambda z: -0.5 * ((z[:, 0] - 1.0) / 0.5) ** 2, 1, seed=3)
    again = found.resampled(seed=9)
    assert again.shape == (POINTS, 1)
    assert again.mean() == pytest.approx(found.weights @ found.points[:, 0], abs=0.01)
    assert found.resampled(seed=9).tolist() == again.tolist()


@pytest.mark.parametrize(
    ("value", "low", "high", "scale"),
    [(9.0, 6.0, 15.0, "positive"), (0.4, 0.2, 0.5, "share"), (0.0, -3.0, 6.0, "any")],
)
def test_low_and_high_are_five_and_ninety_five_percent(value: float, low: float, high: float, scale: str) -> None:
    """The median and both points exactly; the order of values is that of coordinates."""
    unknown = Unknown("x", value, low, high, scale)  # type: ignore[arg-type]
    found = unknown.at(np.array([-1.6448536269514722, 0.0, 1.6448536269514722]))
    assert found == pytest.approx([low, value, high], abs=1e-12)
    assert np.all(np.diff(unknown.at(np.linspace(-6.0, 6.0, 400))) > 0.0)
