"""Points of designs: order, even filling of the space, ranges that are kept, and the same points for the same seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.design_spec import Design, Factor
from cellfab.study.design import Point, level, points

LINEAR = {f"f{place}": Factor(path=f"p{place}", low=0.0, high=1.0) for place in range(3)}
LISTS = {"a": Factor(path="a", values=(1, 2)), "b": Factor(path="b", values=("x", "y", "z"))}


def drawn(kind, samples, factors=LINEAR, seed=1):
    return [point.factors for point in points(factors, Design(kind=kind, samples=samples), seed)]


def columns(kind, samples, seed=1):
    return np.array([[level.value for level in point.values()] for point in drawn(kind, samples, seed=seed)]).T


def values(found):
    return [tuple(level.value for level in point.factors.values()) for point in found]


def test_grid_has_every_combination_the_last_factor_first():
    found = list(points(LISTS, Design(), 1))
    assert values(found) == [(1, "x"), (1, "y"), (1, "z"), (2, "x"), (2, "y"), (2, "z")]
    assert [tuple(level.position for level in point.factors.values()) for point in found][-1] == (1, 2)


def test_list_takes_values_together():
    factors = {"a": LISTS["b"], "b": Factor(path="b", values=(5, 6, 7))}
    assert values(points(factors, Design(kind="list"), 1)) == [("x", 5), ("y", 6), ("z", 7)]


def test_without_factors_there_is_one_point():
    assert list(points({}, Design(), 1)) == [Point()]


@pytest.mark.parametrize("samples", [1, 7, 64])
def test_latin_hypercube_has_one_point_in_each_slice(samples):
    for column in columns("latin_hypercube", samples):
        assert sorted((column * samples).astype(int).tolist()) == list(range(samples))


@pytest.mark.parametrize("samples", [1, 8, 64])
def test_sobol_has_one_point_in_each_binary_slice(samples):
    for column in columns("sobol", samples):
        assert sorted((column * samples).astype(int).tolist()) == list(range(samples))


def test_sobol_fills_boxes_of_two_factors():
    # A (t, m, 2)-net in base 2: the first two coordinates have one point in every box of volume 1/64 (t = 0).
    first, second, _ = columns("sobol", 64)
    for bits in range(7):
        boxes = Counter(zip((first * 2**bits).astype(int), (second * 2 ** (6 - bits)).astype(int), strict=True))
        assert len(boxes) == 64


def test_sobol_stops_anywhere_without_a_warning():
    assert np.array_equal(columns("sobol", 13), columns("sobol", 16)[:, :13])


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_seed_decides(kind):
    assert np.array_equal(columns(kind, 16, seed=5), columns(kind, 16, seed=5))
    assert not np.isin(columns(kind, 16, seed=5), columns(kind, 16, seed=6)).any()


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_points_integrate_better_than_random_ones(kind):
    # Mean of x + y + z over 256 points: its standard error is 0.5 / 16 = 0.03 at random; stratified at least ten times
    # less for every one of 20 seeds.
    for seed in range(20):
        assert columns(kind, 256, seed=seed).sum(axis=0).mean() == pytest.approx(1.5, abs=0.003)


def test_logarithmic_factor_is_even_in_its_logarithm():
    factor = Factor(path="a", low=0.01, high=100.0, log=True)
    assert [level(factor, share).value for share in (0.0, 0.25, 0.5)] == pytest.approx([0.01, 0.1, 1.0])


def test_choices_and_whole_numbers_come_equally_often():
    factors = {"word": LISTS["b"], "count": Factor(path="c", low=2, high=5, whole=True)}
    found = drawn("latin_hypercube", 120, factors)
    assert Counter(point["word"].value for point in found) == {"x": 40, "y": 40, "z": 40}
    assert Counter(point["count"].value for point in found) == {2: 30, 3: 30, 4: 30, 5: 30}
    assert all(LISTS["b"].values[point["word"].position] == point["word"].value for point in found)
    assert all(type(point["count"].value) is int for point in found)


@given(st.integers(1, 50), st.integers(1, 1000), st.floats(0.0, 1.0, exclude_max=True), st.booleans())
def test_whole_number_stays_between_its_ends(low, width, share, log):
    found = level(Factor(path="a", low=low, high=low + width, whole=True, log=log), share)
    assert found.position is None
    assert low <= found.value <= low + width


@given(st.floats(1e-9, 1e9), st.floats(1.001, 1e9), st.floats(0.0, 1.0, exclude_max=True), st.booleans())
def test_number_stays_between_its_ends(low, ratio, share, log):
    factor = Factor(path="a", low=low, high=low * ratio, log=log)
    value = level(factor, share).value
    assert low <= value <= factor.high
