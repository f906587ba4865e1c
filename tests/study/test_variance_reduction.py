"""Control variates and antithetic pairs: unbiased, covered by their intervals, and as much narrower as theory says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cellfab.study.variance_reduction import antithetic_pairs, control_variates, mirrored

RHO = 0.9


def correlated(generator, shape, rho=RHO):
    """Figure of mean 5 and scatter 2, control of mean 3 and scatter 0.5, jointly normal."""
    common, own = generator.normal(size=(2, *shape))
    return 5.0 + 2.0 * (rho * common + math.sqrt(1.0 - rho**2) * own), 3.0 + 0.5 * common


def test_one_control_leaves_one_minus_rho_squared():
    # 20 000 replicates: the standard error of 1 - r^2 = 0.19 is 2 rho (1 - rho^2) / sqrt(n) = 0.0024, that of the
    # coefficient, 0.9 x 2 / 0.5 = 3.6, is 2 sqrt(1 - rho^2) / (0.5 sqrt(n)); z-limit 4.
    values, controls = correlated(np.random.default_rng(1), (20_000,))
    found = control_variates(values.tolist(), controls.tolist(), 3.0)
    assert found.variance_ratio == pytest.approx(1.0 - RHO**2, abs=4 * 0.0024)
    assert found.coefficients[0] == pytest.approx(3.6, abs=4 * 2.0 * math.sqrt(0.19) / (0.5 * math.sqrt(20_000)))
    assert found.interval.half_width == pytest.approx(
        found.plain.half_width * math.sqrt(found.variance_ratio), rel=1e-3
    )


def test_it_is_the_constant_of_a_regression():
    # Lavenberg & Welch: the estimate and its error are those of the intercept of figure on control minus mean.
    values, controls = correlated(np.random.default_rng(2), (12,))
    found = control_variates(values.tolist(), controls, 3.0, confidence=0.9)
    fit = stats.linregress(controls - 3.0, values)
    half_width = stats.t.ppf(0.95, 10) * fit.intercept_stderr
    assert found.interval == pytest.approx(
        (fit.intercept, fit.intercept - half_width, fit.intercept + half_width, half_width, 12), rel=1e-9
    )


def test_several_controls_are_a_regression_on_all_of_them():
    generator = np.random.default_rng(3)
    controls = generator.normal(size=(40, 3)) * [1.0, 1e6, 1e-6]  # units of any size
    values = 1.0 + controls @ [0.5, 2e-6, -1e6] + 0.1 * generator.normal(size=40)
    found = control_variates(values.tolist(), controls, [0.0, 0.0, 0.0])
    design = np.column_stack([np.ones(40), controls * [1.0, 1e-6, 1e6]])
    beta, residual, *_ = np.linalg.lstsq(design, values)
    error = math.sqrt(residual[0] / 36 * np.linalg.inv(design.T @ design)[0, 0])
    assert found.interval.mean == pytest.approx(beta[0], rel=1e-9)
    assert found.interval.half_width == pytest.approx(stats.t.ppf(0.975, 36) * error, rel=1e-9)
    assert found.coefficients == pytest.approx(tuple(beta[1:] * [1.0, 1e-6, 1e6]), rel=1e-9)


@pytest.mark.parametrize("n", [4, 8, 30])
def test_interval_covers_95_percent(n):
    # 4000 samples: standard error of the share 0.34 %; z-limit 4. Using n - 1 degrees of freedom or leaving out how far
    # the control was off misses it for n = 4 and 8.
    values, controls = correlated(np.random.default_rng(n), (4000, n))
    found = [control_variates(row, known, 3.0).interval for row, known in zip(values.tolist(), controls, strict=True)]
    covered = np.mean([one.low <= 5.0 <= one.high for one in found])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


def test_interval_covers_95_percent_with_an_estimated_mean():
    # As above; the mean of the control comes from 60 draws of its own. Taken to be exact, only 76 % are covered.
    generator = np.random.default_rng(5)
    values, controls = correlated(generator, (4000, 30))
    means = correlated(generator, (4000, 60))[1].mean(axis=1)
    both = list(zip(values.tolist(), controls, means.tolist(), strict=True))
    found = [control_variates(row, known, mean, means_from=60).interval for row, known, mean in both]
    assert abs(np.mean([one.low <= 5.0 <= one.high for one in found]) - 0.95) < 4 * 0.0034
    exact = [control_variates(row, known, mean).interval for row, known, mean in both]
    assert np.mean([one.low <= 5.0 <= one.high for one in exact]) < 0.85


def test_useless_control_costs_hardly_anything():
    # Loss factor (n - 2) / (n - q - 2) of Lavenberg & Welch: 48 / 47 for 50 replicates; mean of 500 ratios, standard
    # error 0.0019; z-limit 4.
    generator = np.random.default_rng(6)
    values, controls = correlated(generator, (500, 50), rho=0.0)
    ratios = [
        control_variates(row, known, 3.0).variance_ratio for row, known in zip(values.tolist(), controls, strict=True)
    ]
    assert np.mean(ratios) == pytest.approx(48 / 47, abs=4 * 0.0019)


def test_perfect_control_leaves_nothing():
    controls = np.array([1.0, 2.0, 4.0, 7.0])
    found = control_variates((3.0 + 2.0 * controls).tolist(), controls, 10.0)
    assert found.interval.mean == pytest.approx(23.0)
    assert found.variance_ratio == pytest.approx(0.0, abs=1e-12)


def test_figure_without_scatter():
    found = control_variates([2.0] * 4, [1.0, 2.0, 4.0, 7.0], 10.0)
    assert (found.interval.mean, found.interval.half_width, found.variance_ratio) == (2.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("values", "controls", "means", "message"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], 1.0, "at least 4 replicates"),
        ([1.0, 2.0, 3.0, 5.0], [1.0, 1.0, 1.0, 1.0], 1.0, "explains nothing"),
        ([1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 4.0, 1.0], [1.0, 2.0], "1 controls have 2 means"),
        ([1.0, 2.0, 3.0, math.nan], [1.0, 2.0, 4.0, 1.0], 1.0, "finite"),
        ([1.0, 2.0, 3.0, 5.0, 4.0], [[1, 2], [2, 4], [3, 6], [5, 10], [0, 0]], [1.0, 2.0], "sum of others"),
        ([], [], 1.0, "at least 4 replicates, not 0"),
    ],
)
def test_controls_that_cannot_be_used(values, controls, means, message):
    with pytest.raises(ValueError, match=message):
        control_variates(values, controls, means)


# ---- pairs ----------------------------------------------------------------------------------------------------


def test_pairs_of_a_monotone_function_leave_what_theory_says():
    # f = exp(u): variance (e^2 - 1) / 2 - (e - 1)^2 = 0.2420; covariance of exp(u) and exp(1 - u): e - (e - 1)^2 =
    # -0.2342; ratio 1 + covariance / variance = 0.0323. 20 000 pairs: relative standard error about 2 %; z-limit 4.
    first = np.random.default_rng(1).random(20_000)
    found = antithetic_pairs(np.exp(first).tolist(), np.exp(mirrored(first)).tolist())
    assert found.variance_ratio == pytest.approx(0.03232, rel=4 * 0.02)
    assert found.interval.low < math.e - 1.0 < found.interval.high
    assert found.interval.n == found.plain.n == 40_000


def test_pairs_of_an_even_function_do_harm():
    # f = (u - 1/2)^2 is the same for both: twice the variance. 20 000 pairs: standard error of the ratio below 2 %.
    first = np.random.default_rng(2).random(20_000)
    assert antithetic_pairs(
        ((first - 0.5) ** 2).tolist(), ((0.5 - first) ** 2).tolist()
    ).variance_ratio == pytest.approx(2.0, rel=0.001)


def test_interval_of_pairs_covers_95_percent():
    # 4000 samples of 12 pairs, whose means are bounded and skewed: 93.7 % are covered, standard error 0.4 %. The 24
    # values taken to be independent cover 99.98 %.
    first = np.random.default_rng(3).random((4000, 12))
    found = [antithetic_pairs(*pair) for pair in zip((first**2).tolist(), (mirrored(first) ** 2).tolist(), strict=True)]
    covered = np.mean([one.interval.low <= 1 / 3 <= one.interval.high for one in found])
    assert 0.92 < covered < 0.955


def test_pairs_without_scatter_and_without_partner():
    assert antithetic_pairs([1.0, 1.0], [1.0, 1.0]).variance_ratio == 1.0
    with pytest.raises(ValueError, match="2 and 1 replicates"):
        antithetic_pairs([1.0, 2.0], [1.0])
