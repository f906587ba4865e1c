from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import web_field


def _slow_means(state_normal, mean_normal, keep, kick, lead, shared, own):
    state, means = float(state_normal[0]), []
    for z, z2 in zip(state_normal[1:], mean_normal, strict=True):
        means.append(lead * state + shared * float(z) + own * float(z2))
        state = keep * state + kick * float(z)
    return np.array(means)


def _means(n, segment, length, seed):
    rng = np.random.default_rng(seed)
    states = rng.standard_normal(n + 1).astype(np.float32)
    normals = rng.standard_normal(n).astype(np.float32)
    out = np.empty(n, np.float32)
    web_field.ou_segment_means(states, normals, *web_field.ou_coefficients(segment, length), out)
    return states, normals, out


def test_kernel_equals_slow_twin():
    states, normals, out = _means(500, 3.4, 20.0, 1)
    assert out == pytest.approx(_slow_means(states, normals, *web_field.ou_coefficients(3.4, 20.0)), abs=1e-6)


@pytest.mark.parametrize(
    ("segment", "length", "root"),
    [(3.4, 0.05, 0.17), (20.0, 0.05, 0.07), (3.4, 1.0, 0.65), (20.0, 1.0, 0.31), (3.4, 10.0, 0.95), (20.0, 10.0, 0.75),
     (45.0, 10.0, 0.59), (3.4, 50.0, 0.99), (45.0, 50.0, 0.87)],
)  # fmt: skip
def test_variance_of_a_mean(segment, length, root):
    ratio = length / segment
    exact = 2.0 * ratio * (1.0 - ratio * (1.0 - math.exp(-segment / length)))
    assert web_field.mean_variance_factor(segment, length) == pytest.approx(exact, rel=1e-9)
    assert math.sqrt(exact) == pytest.approx(root, abs=0.006)


def test_variance_factor_is_smooth_where_the_series_takes_over():
    below, above = (web_field.mean_variance_factor(x, 1.0) for x in (0.999e-3, 1.001e-3))
    assert below - above == pytest.approx(2e-6 / 3.0, rel=1e-2)
    assert web_field.mean_variance_factor(1e-12, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize(("segment", "length"), [(3.4, 20.0), (3.4, 2.0), (3.4, 0.3)])
def test_sampled_means_have_the_variance_and_correlation_of_the_process(segment, length):
    # 400 000 segments. Means of neighbouring segments k apart (k >= 1) have covariance lead^2 e^{-(k-1) x} with
    # lead = (1 - e^-x) / x. Relative s.d. of the variance about sqrt(2 (1 + r^2) / (1 - r^2) / n), r the correlation of
    # neighbours: below 0.6 %; z-limit 4.
    n = 400_000
    _, _, out = _means(n, segment, length, 7)
    x = segment / length
    variance = web_field.mean_variance_factor(segment, length)
    lead = (1 - math.exp(-x)) / x
    r = math.exp(-x)
    spread = math.sqrt(2.0 * (1 + r**2) / (1 - r**2) / n)
    assert abs(out.var() / variance - 1.0) < 4 * spread
    lag = float(np.mean(out[:-1].astype(float) * out[1:]))
    assert lag == pytest.approx(lead**2, abs=4 * spread * variance)


def test_means_agree_with_a_finely_stepped_process():
    # The coefficients against 400 points per segment: covariances of the segment's mean with the state at its start and
    # end, from the autocorrelation matrix itself (trapezoid rule, error below 1e-5).
    segment, length, steps = 3.4, 2.0, 400
    x = np.linspace(0.0, segment, steps + 1)
    weight = np.full(steps + 1, 1.0 / steps)
    weight[[0, -1]] /= 2.0
    correlation = np.exp(-np.abs(x[:, None] - x[None, :]) / length)
    made = web_field.ou_coefficients(segment, length)
    assert weight @ correlation @ weight == pytest.approx(made.lead**2 + made.shared**2 + made.own**2, abs=2e-5)
    assert weight @ correlation[:, 0] == pytest.approx(made.lead, abs=2e-5)
    assert weight @ correlation[:, -1] == pytest.approx(made.lead * made.keep + made.shared * made.kick, abs=2e-5)


def test_extreme_lengths_stay_finite():
    for segment, length in ((1e-9, 1.0), (1.0, 1e-6), (1e-6, 1e6)):
        assert all(math.isfinite(value) for value in web_field.ou_coefficients(segment, length))


def _ripple(n, segment, wavelength, phase):
    law = web_field.ripple_law(1.0, segment, wavelength, phase)
    return law.amplitude * np.sin(law.phase + law.step_radians * np.arange(n))


def test_ripple_means_are_the_integral_of_the_sine():
    segment, wavelength, phase = 3.4, 1.2566, 0.8
    turns, start = 2 * np.pi / wavelength, 3.4 * np.arange(900)
    exact = (np.cos(turns * start + phase) - np.cos(turns * (start + segment) + phase)) / (turns * segment)
    assert _ripple(900, segment, wavelength, phase) == pytest.approx(exact, abs=1e-11)
    # A sheet much shorter than the wavelength sees the ripple, a segment of whole waves does not.
    assert np.abs(_ripple(200, 0.01, 1.0, 0.0)).max() > 0.99
    assert np.abs(_ripple(200, 3.0, 1.0, 0.0)).max() < 1e-12


def test_loading_along_the_web_is_the_sum_of_its_parts():
    charge = np.repeat([0, 2, 3], [20, 20, 10]).astype(np.int32)
    drift = np.random.default_rng(4).standard_normal(50).astype(np.float32)
    along, offset = drift.copy(), np.array([0.1, 9.0, -0.1, 0.2], np.float32)
    web_field.add_along(0.5, 0.3, 0.7, 0.2, 0.05, offset, charge, along)
    expected = 0.5 * drift + 0.3 * np.sin(0.2 + 0.7 * np.arange(50)) + offset[charge] + 0.05
    assert along == pytest.approx(expected, abs=1e-5)
