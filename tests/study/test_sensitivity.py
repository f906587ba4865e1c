"""Screening and indices against functions whose sensitivities are known in closed form."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from cellfab.study.sensitivity import interactions, morris_design, morris_effects, sobol_design, sobol_indices

ISHIGAMI = ("x1", "x2", "x3")
FIRST = (0.31390519, 0.44241114, 0.0)
TOTAL = (0.55758886, 0.44241114, 0.24368366)
"""Closed form for a = 7, b = 0.1: V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2, V1 = (1 + b pi^4/5)^2 / 2, V2 = a^2/8,
V13 = 8 b^2 pi^8 / 225 (Ishigami & Homma 1990; Sobol & Levitan 1999)."""


def ishigami(points):
    x = math.pi * (2.0 * points - 1.0)
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def morris_function(points):
    """Test function of Morris 1991, section 4: ten inputs matter, of which three act by themselves only."""
    generator = np.random.default_rng(1991)
    w = 2.0 * (points - 0.5)
    for place in (2, 4, 6):
        w[:, place] = 2.0 * (1.1 * points[:, place] / (points[:, place] + 0.1) - 0.5)
    first = np.where(np.arange(20) < 10, 20.0, generator.normal(size=20))
    second = generator.normal(size=(20, 20))
    second[:6, :6] = -15.0
    figure = w @ first
    for i, j in itertools.combinations(range(20), 2):
        figure += second[i, j] * w[:, i] * w[:, j]
    for group in itertools.combinations(range(5), 3):
        figure -= 10.0 * w[:, group].prod(axis=1)
    return figure + 5.0 * w[:, :4].prod(axis=1)


# ---- screening --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 4, 6])
def test_trajectories_move_every_input_once_by_the_step(levels):
    points = morris_design(5, 40, seed=3, levels=levels).reshape(40, 6, 5)
    steps = np.diff(points, axis=1)
    assert ((steps != 0).sum(axis=2) == 1).all()
    assert ((steps != 0).sum(axis=1) == 1).all()
    assert np.abs(steps[steps != 0]) == pytest.approx(levels / (2 * (levels - 1)))
    assert np.allclose(points * (levels - 1), np.round(points * (levels - 1)))
    assert points.min() == 0.0
    assert points.max() == 1.0


def test_starts_directions_and_orders_are_all_as_likely():
    # 4000 trajectories of three inputs: six orders with a standard error of 0.6 % each, levels 0.7 %; z-limit 4.
    points = morris_design(3, 4000, seed=1).reshape(4000, 4, 3)
    orders = np.abs(np.diff(points, axis=1)).argmax(axis=2)
    assert np.unique(orders, axis=0, return_counts=True)[1] / 4000 == pytest.approx(np.full(6, 1 / 6), abs=0.024)
    for level in range(4):
        assert (np.round(points[:, 0] * 3) == level).mean(axis=0) == pytest.approx(np.full(3, 0.25), abs=0.028)
    assert np.array_equal(points.reshape(-1, 3), morris_design(3, 4000, seed=1))
    assert not np.array_equal(points.reshape(-1, 3), morris_design(3, 4000, seed=2))


def test_linear_function_has_its_coefficients_as_effects():
    points = morris_design(3, 5, seed=1)
    found = morris_effects("abc", points, 1.0 + points @ [2.0, -3.0, 0.0])
    assert [effect.name for effect in found] == ["a", "b", "c"]
    assert [effect.strength.mean for effect in found] == pytest.approx([2.0, 3.0, 0.0])
    assert [effect.mean for effect in found] == pytest.approx([2.0, -3.0, 0.0])
    assert [effect.scatter for effect in found] == pytest.approx([0.0] * 3, abs=1e-12)


def test_product_has_an_effect_that_scatters():
    # y = x1 x2 on four levels: the effect of x1 is x2, uniform on 0, 1/3, 2/3, 1: mean 1/2, scatter sqrt(5)/6 = 0.3727.
    # 4000 trajectories: standard errors 0.0059 and 0.0021; z-limit 4.
    points = morris_design(2, 4000, seed=1)
    for effect in morris_effects("ab", points, points.prod(axis=1)):
        assert effect.mean == pytest.approx(0.5, abs=4 * 0.0059)
        assert effect.strength.mean == pytest.approx(effect.mean)
        assert effect.scatter == pytest.approx(math.sqrt(5) / 6, abs=4 * 0.0021)


def test_function_of_morris_is_screened_as_in_the_paper():
    # As in figure 1 of the paper, with more trajectories: the first ten inputs stand out from the other ten, 8 to 10
    # act almost alone, 1 to 7 together with others or not linearly.
    points = morris_design(20, 20, seed=1)
    found = morris_effects([f"x{number}" for number in range(1, 21)], points, morris_function(points))
    strength = np.array([effect.strength.mean for effect in found])
    scatter = np.array([effect.scatter for effect in found])
    assert strength[:10].min() > 2.0 * strength[10:].max()
    assert np.abs([effect.mean for effect in found])[7:10].min() > 30.0
    assert scatter[7:10].max() < 0.5 * scatter[:7].min()


def test_strength_sees_effects_that_cancel():
    points = morris_design(1, 400, seed=1)
    (effect,) = morris_effects("a", points, np.abs(points[:, 0] - 0.5))
    assert abs(effect.mean) < 0.1
    assert effect.strength.mean > 0.2


def test_screening_leaves_out_runs_that_failed():
    points = morris_design(2, 4, seed=1)
    values = points @ [1.0, 2.0]
    values[4] = math.nan
    found = morris_effects("ab", points, values)
    assert [effect.strength.n for effect in found] in ([3, 3], [4, 2], [2, 4])
    assert [effect.mean for effect in found] == pytest.approx([1.0, 2.0])
    with pytest.raises(ValueError, match="at least two"):
        morris_effects("ab", points, np.full(12, math.nan))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: morris_design(0, 4, 1), "at least one input"),
        (lambda: morris_design(2, 1, 1), "two trajectories"),
        (lambda: morris_design(2, 4, 1, levels=3), "even"),
        (lambda: morris_effects("abc", morris_design(2, 4, 1), np.zeros(12)), "screening of these inputs"),
        (lambda: morris_effects("ab", morris_design(2, 4, 1), np.zeros(11)), "screening of these inputs"),
        (lambda: sobol_design(2, 100, 1), "power of two"),
        (lambda: sobol_indices("ab", np.zeros(7)), "indices of these inputs"),
        (lambda: sobol_indices("ab", np.full(8, math.nan)), "fewer than two samples"),
    ],
)
def test_wrong_use_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- indices ----------------------------------------------------------------------------------------------------


def test_design_is_a_and_b_and_a_with_columns_of_b():
    points = sobol_design(3, 8, seed=5).reshape(8, 5, 3)
    a, b = points[:, 0], points[:, 1]
    for column in range(3):
        expected = a.copy()
        expected[:, column] = b[:, column]
        assert np.array_equal(points[:, 2 + column], expected)
    for column in np.concatenate([a, b], axis=1).T:
        assert sorted((column * 8).astype(int)) == list(range(8))
    assert np.array_equal(points.reshape(-1, 3), sobol_design(3, 8, seed=5))


def test_indices_of_ishigami_lie_within_their_intervals():
    shares = sobol_indices(ISHIGAMI, ishigami(sobol_design(3, 1024, seed=1)))
    for share, first, total in zip(shares, FIRST, TOTAL, strict=True):
        assert share.first.low <= first <= share.first.high
        assert share.total.low <= total <= share.total.high
        # 1024 samples of a Sobol sequence: to 0.02 at least
        assert share.first.mean == pytest.approx(first, abs=0.02)
        assert share.total.mean == pytest.approx(total, abs=0.02)
        assert share.first.half_width < 0.12
    assert interactions(shares) == pytest.approx(1.0 - sum(FIRST), abs=0.03)


def test_intervals_of_random_points_cover_95_percent():
    # 200 studies of 256 random samples, six indices each, together: the share's standard error is below 1.5 %, as if
    # the six were one; z-limit 2 (seen 0.94).
    generator = np.random.default_rng(2)
    covered = []
    for study in range(200):
        both = generator.random((256, 6))
        points = np.repeat(both[:, None, :3], 5, axis=1)
        points[:, 1] = both[:, 3:]
        for column in range(3):
            points[:, 2 + column, column] = both[:, 3 + column]
        shares = sobol_indices(ISHIGAMI, ishigami(points.reshape(-1, 3)), seed=study, bootstraps=100)
        for share, first, total in zip(shares, FIRST, TOTAL, strict=True):
            covered += [share.first.low <= first <= share.first.high, share.total.low <= total <= share.total.high]
    assert 0.92 <= np.mean(covered) <= 0.98


def test_indices_are_those_of_scipy():
    n, seed = 256, 4
    rows = ishigami(sobol_design(3, n, seed)).reshape(n, 5)
    shares = sobol_indices(ISHIGAMI, rows.ravel())
    other = stats.sobol_indices(
        func={"f_A": rows[None, :, 0], "f_B": rows[None, :, 1], "f_AB": rows.T[2:, None, :]}, n=n
    )
    assert [share.first.mean for share in shares] == pytest.approx(other.first_order, abs=1e-9)
    assert [share.total.mean for share in shares] == pytest.approx(other.total_order, abs=1e-9)
    expected = other.bootstrap(confidence_level=0.95, n_resamples=999)
    for share, low, high in zip(
        shares, expected.total_order.confidence_interval.low, expected.total_order.confidence_interval.high, strict=True
    ):
        assert share.total.half_width == pytest.approx((high - low) / 2, rel=0.2)


def test_additive_function_shares_its_variance_in_squares():
    # y = 3 x1 + 4 x2 with any mean: 9/25 and 16/25, no interaction; first and total agree.
    points = sobol_design(3, 512, seed=1)
    shares = sobol_indices("abc", 1e6 + points @ [3.0, 4.0, 0.0])
    assert [share.first.mean for share in shares] == pytest.approx([0.36, 0.64, 0.0], abs=0.01)
    assert [share.total.mean for share in shares] == pytest.approx([0.36, 0.64, 0.0], abs=0.01)
    assert shares[2].total == (0.0, 0.0, 0.0, 0.0, 512)
    assert interactions(shares) == pytest.approx(0.0, abs=0.01)


def test_failed_runs_take_their_sample_with_them():
    values = ishigami(sobol_design(3, 512, seed=1))
    values[[7, 8, 1000]] = math.nan
    shares = sobol_indices(ISHIGAMI, values)
    assert {share.first.n for share in shares} == {510}
    assert [share.total.mean for share in shares] == pytest.approx(TOTAL, abs=0.05)


def test_figure_that_does_not_scatter_has_no_indices():
    assert [share.total.mean for share in sobol_indices("ab", np.full(16, 3.0))] == [0.0, 0.0]


def test_resampling_in_pieces_is_the_same(monkeypatch):
    values = ishigami(sobol_design(3, 64, seed=1))
    whole = sobol_indices(ISHIGAMI, values, bootstraps=50)
    monkeypatch.setattr("cellfab.study.sensitivity._KEPT_AT_ONCE", 64 * 7)
    pieces = sobol_indices(ISHIGAMI, values, bootstraps=50)
    for one, other in zip(pieces, whole, strict=True):
        assert one.total == pytest.approx(other.total, rel=1e-12)
